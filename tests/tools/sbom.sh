#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: sbom.sh [ADVISORIES]
#
# For a release: what each Python environment holds, as CycloneDX, in build/sbom. The locks say it to the version and hash.
# ADVISORIES: a file of advisories in OSV's format (one, a list, or one a line); fails if a package is affected.
set -euo pipefail
cd "$(dirname "$0")/../.."
rm -rf build/sbom
mkdir -p build/sbom
git ls-files 'requirements.txt' 'roles/*requirements.txt' | while read -r lock; do
    name=$(sed -E 's#^roles/##; s#/files/#-#; s#-?requirements[.]txt$##' <<<"$lock")
    .cache/sbom/bin/cyclonedx-py requirements --output-reproducible --spec-version 1.6 --output-file "build/sbom/${name:-controller}.cdx.json" "$lock"
done
[ $# = 0 ] || tests/tools/advisories.py "$1" build/sbom/*.cdx.json
