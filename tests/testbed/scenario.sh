#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a scenario needs before its machines are made: their images, and secrets for its inventory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
scenario=${1:?usage: scenario.sh DIRECTORY}
# shellcheck disable=SC2046
"$here/image.sh" $(grep -oE 'cht-sync-machine:[a-z]+' "$scenario/molecule.yml" |
    sed 's/.*://' | sort -u)
inventory=$root/inventories/demo
if [ -d "$scenario/inventory" ]; then
    inventory=$scenario/inventory
    # An authority of the operator's own, as base_ca_certificates takes it.
    [ -f "$inventory/ca.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=cht.sync test authority" \
        -keyout /dev/null -out "$inventory/ca.pem" 2>/dev/null
    # No copy of the real Logstash can be counted on: the stand-in is packed as the vendor packs.
    version=$(sed -n 's/^logstash_version: *//p' "$root/roles/logstash/defaults/main.yml")
    "$root/tests/double/archive.sh" "$version" "$inventory/logstash-$version-double.tar.gz"
fi
export ANSIBLE_CONFIG=$root/ansible.cfg
cd "$root"
ansible-playbook -i "$inventory" playbooks/secrets.yml
