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
export ANSIBLE_CONFIG=$root/ansible.cfg
cd "$root"
ansible-playbook -i "$scenario/inventory" playbooks/secrets.yml
