#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Resolves every requirements.in into the requirements.txt beside it, with hashes.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files '*requirements.in' | while read -r input; do
    echo "$input"
    uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header "$input" -o "${input%.in}.txt"
done
