#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes sure that there is a Ruby: for the script that shapes Logstash's events, and for the stand-in for Logstash.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

command -v ruby >/dev/null || apt_install ruby
