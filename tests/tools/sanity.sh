#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-test sanity. It refuses a checkout that is reached through a link, and skips what git ignores, so it gets the
# built collection, installed outside the checkout.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ansible-test makes its environments with a script it downloads, unless a copy lies in its cache. Ours does the same
# with what Python itself brings, so that only the package index is needed.
mkdir -p "$work/home/.ansible/test/cache"
pip=$(grep -rhoE "pip='[0-9.]+'" "$(python -c 'import ansible_test; print(ansible_test.__path__[0])')/_internal/python_requirements.py" |
    grep -oE '[0-9.]+' | head -n 1)
cat >"$work/home/.ansible/test/cache/get_pip_${pip//./_}.py" <<'PYTHON'
import subprocess
import sys

subprocess.run([sys.executable, "-m", "ensurepip", "--upgrade"], check=True)
packages = [word for word in sys.argv[1:] if not word.startswith("-")]
subprocess.run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", *packages], check=True)
PYTHON

# It also clears the environment, so what pip must know of a proxy's certificate goes into its configuration.
mkdir -p "$work/home/.config/pip"
printf '[global]\ncert = %s\nretries = 10\n' "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" >"$work/home/.config/pip/pip.conf"

ansible-galaxy collection build --force --output-path "$work" >/dev/null
ANSIBLE_COLLECTIONS_PATH=$work/collections \
    ansible-galaxy collection install --no-deps --force -p "$work/collections" "$work"/cht-sync-*.tar.gz >/dev/null
cd "$work/collections/ansible_collections/cht/sync"
HOME=$work/home ansible-test sanity --color no --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "$@"
