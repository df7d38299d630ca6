#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: demo.sh up | source | down
#
# The demo: a container that plays the VM, one that plays CHT's server, and the playbooks an operator runs on real ones.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cd "$here/../.."
inventory=inventories/demo
export ANSIBLE_NOCOLOR=1 ANSIBLE_FORCE_COLOR=0 # what it says is read here
log=${DEMO_LOG:-/tmp/cht-sync-demo.log}

# play TITLE PLAYBOOK...: shows what it is at while it runs; the whole output goes to the log.
play() {
    local title=$1 start=$SECONDS output
    shift
    printf '== %s\n' "$title"
    output=$(mktemp)
    if ! ansible-playbook -i "$inventory" "$@" 2>&1 | tee -a "$log" "$output" | show_progress; then
        die "failed: the whole output is in $log; make demo can be run again"
    fi
    printf '   done in %s s, %s changes\n' "$((SECONDS - start))" \
        "$(grep -oE 'changed=[0-9]+' "$output" | cut -d= -f2 | paste -sd+ | sum_up)"
    rm -f "$output"
}

sum_up() { local sum; read -r sum || true; echo "$((${sum:-0}))"; }

# On a terminal one line that changes; elsewhere a line a play, and whatever went wrong.
show_progress() {
    local line interactive=
    [ -t 2 ] && interactive=1
    while IFS= read -r line; do
        case $line in
        "TASK ["*) [ -z "$interactive" ] || printf '\r\033[K   %.100s' "${line#TASK }" >&2 ;;
        "PLAY ["*) [ -n "$interactive" ] || printf '   %s\n' "${line%%\**}" >&2 ;;
        "   ... "*) if [ -n "$interactive" ]; then printf '\r\033[K%.100s' "$line" >&2; else printf '%s\n' "$line" >&2; fi ;;
        "[ERROR]"* | fatal:*) printf '\n%s\n' "$line" >&2 ;;
        esac
    done
    [ -z "$interactive" ] || printf '\r\033[K' >&2
}

case ${1:-} in
up | source)
    : >"$log"
    "$here/image.sh" bookworm
    play "Secrets" playbooks/secrets.yml
    play "The machines" tests/testbed/demo.yml
    play "A CouchDB with CHT documents" playbooks/couchdb_demo.yml
    if [ "$1" = source ]; then
        address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' cht-sync-demo-couchdb)
        printf 'CouchDB: http://%s:5984  user: medic  password: couchdb_demo_password in %s\n' \
            "$address" "$inventory/group_vars/all/secrets.yml"
        exit 0
    fi
    play "The stack (playbooks/site.yml)" playbooks/site.yml
    # site.yml has verified all parts; what is left is whether the documents are the same on both sides.
    printf '== Verify the documents (playbooks/verify.yml)\n'
    ansible-playbook -i "$inventory" playbooks/verify.yml --tags documents >>"$log" 2>&1 || { tail -n 40 "$log"; die "verify failed: $log"; }
    sed -n 's/^ *|/|/; /^| source/,/^ *$/p' "$log" | tail -n 12
    printf 'Dashboards: http://127.0.0.1:8088/superset/dashboard/community-health/ (and chw-activity, maternal-child-health, data-health)\nLogin:      admin\n'
    printf 'Password:   superset_admin_password in %s\n' "$PWD/$inventory/group_vars/all/secrets.yml"
    ;;
down)
    # A stopped engine still has its containers on disk.
    command -v dockerd >/dev/null 2>&1 || docker info >/dev/null 2>&1 || { say "there is no Docker engine, so there is no demo"; exit 0; }
    "$here/engine.sh"
    ansible-playbook -i "$inventory" tests/testbed/demo.yml -e demo_state=absent >"$log" 2>&1 || { tail -n 40 "$log"; exit 1; }
    rm -f "$inventory/group_vars/all/secrets.yml"
    say "removed machines, data and secrets"
    ;;
*) die "usage: demo.sh up | source | down" ;;
esac
