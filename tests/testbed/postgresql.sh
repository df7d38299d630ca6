#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The PostgreSQL programs the integration tests start their own server with.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || apt_install postgresql
