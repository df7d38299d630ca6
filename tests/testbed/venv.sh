#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: venv.sh PYTHON DIRECTORY LOCK
#
# Makes the virtual environment where there is none, and installs the lock into it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
python=$1 venv=$2 lock=$3

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$python is older than 3.11, which ansible-core needs: name another with make PYTHON=..."
"$python" -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
say "installing $lock into $venv"
# uv, in a tenth of pip's time; it is pinned where the roles have it from.
retry 4 "$venv/bin/python" -m pip --disable-pip-version-check install -q --require-hashes -r "$here/../../roles/base/files/uv-requirements.txt"
export UV_SYSTEM_CERTS=true ${PIP_INDEX_URL:+UV_DEFAULT_INDEX="$PIP_INDEX_URL"}
retry 4 "$venv/bin/uv" pip install --quiet --compile-bytecode --require-hashes --python "$venv/bin/python" -r "$lock"
