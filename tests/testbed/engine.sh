#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes sure that a Docker engine answers: one that runs is used as it is, else Debian's docker.io is
# installed and started. Never starts a second daemon beside a first (it would take its bridge away).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

docker info >/dev/null 2>&1 && exit 0
alone engine
docker info >/dev/null 2>&1 && exit 0

command -v dockerd >/dev/null 2>&1 || apt_install docker.io iptables

if [ -d /run/systemd/system ]; then
    as_root systemctl start docker
elif ! pgrep -x dockerd >/dev/null; then
    log=/var/log/dockerd.log
    say "starting dockerd (log: $log)"
    as_root sh -c "setsid nohup dockerd >'$log' 2>&1 </dev/null 9>&- &"
fi

wait_for 60 docker info || {
    pgrep -x dockerd >/dev/null && ! [ -w /var/run/docker.sock ] &&
        die "the Docker engine runs, but this user may not use it: run as root, or join the group 'docker'"
    die "no Docker engine answers within 60 s: read /var/log/dockerd.log (or 'journalctl -u docker')"
}
