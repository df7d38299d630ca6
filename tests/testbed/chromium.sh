#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes sure that there is a browser for tests/deployed: Debian's, since Playwright's own download is not to be counted on.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

[ -x /usr/bin/chromium ] || apt_install chromium fonts-dejavu-core
