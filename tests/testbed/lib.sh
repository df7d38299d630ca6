# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the scripts beside it.
# shellcheck shell=bash

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$*"; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# retry TIMES COMMAND...: for whatever crosses the network.
retry() {
    local times=$1 try
    shift
    for try in $(seq "$times"); do
        "$@" && return 0
        [ "$try" = "$times" ] || { say "failed ($try of $times), again in $((try * 5)) s: $*"; sleep $((try * 5)); }
    done
    return 1
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.5
    done
}

# alone NAME: from here to its end this script is the only one that holds NAME; `make test` runs two lanes.
alone() {
    exec 9>"/tmp/cht-sync-$1.lock"
    flock -w 1200 9 || die "another run holds /tmp/cht-sync-$1.lock for 20 minutes"
}

apt_install() {
    command -v apt-get >/dev/null || die "needs $*: install it with this system's package manager, then run again"
    say "installing $*"
    retry 4 as_root flock /tmp/cht-sync-apt.lock apt-get -qq update
    retry 4 as_root flock /tmp/cht-sync-apt.lock env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}
