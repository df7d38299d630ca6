#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: image.sh SUITE...   (bookworm, trixie)
#
# Makes the image cht-sync-machine:SUITE: what a bare Debian VM looks like after its installer, with systemd.
# Bootstrapped here, since no image registry can be counted on. MOLECULE_IMAGE names another image instead.
# CHT_SYNC_DEBIAN_MIRROR overrides debootstrap's own mirror.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
[ $# -gt 0 ] || die "usage: image.sh SUITE..."
packages=ca-certificates,dbus,iproute2,libpam-systemd,python3,python3-apt,sudo,systemd,systemd-sysv

bootstrap() { # SUITE ROOT
    as_root find "$2" -mindepth 1 -delete
    as_root debootstrap --variant=minbase --include="$packages" "$1" "$2" \
        ${CHT_SYNC_DEBIAN_MIRROR:+"$CHT_SYNC_DEBIAN_MIRROR"} >"/tmp/debootstrap-$1.log" 2>&1
}

# An installed VM has the updates and security suites, an own machine-id, no network settings of the builder's,
# services that start on installation, and package lists that are to be fetched first.
make_like_installed() { # SUITE ROOT
    local mirror
    mirror=$(awk '$1 == "deb" { print $2; exit }' "$2/etc/apt/sources.list")
    as_root sh -eu -c "
        printf 'deb %s %s main\n' '$mirror' '$1' '$mirror' '$1-updates' '${mirror%/}-security' '$1-security' \
            >'$2/etc/apt/sources.list'
        : >'$2/etc/machine-id'
        rm -rf '$2/etc/hostname' '$2/etc/resolv.conf' '$2/usr/sbin/policy-rc.d' \
            '$2/var/cache/apt/archives/'*.deb '$2/var/lib/apt/lists'
        mkdir -p '$2/var/lib/apt/lists/partial'
        touch -d @0 '$2/var/lib/apt/lists'
        tee -a '$2'/etc/python3.*/sitecustomize.py <'$here/compiled_modules.py' >/dev/null
    "
}

[ -z "${MOLECULE_IMAGE:-}" ] || exit 0
"$here/engine.sh"
alone image
root=$(mktemp -d)
trap 'as_root rm -rf "$root"' EXIT
for suite in "$@"; do
    image=cht-sync-machine:$suite
    docker image inspect "$image" >/dev/null 2>&1 && continue
    command -v debootstrap >/dev/null 2>&1 || apt_install debootstrap
    say "bootstrapping $image (about a minute)"
    retry 3 bootstrap "$suite" "$root" || { tail -n 20 "/tmp/debootstrap-$suite.log" >&2; die "debootstrap failed"; }
    make_like_installed "$suite" "$root"
    as_root tar -C "$root" -c . | docker import - "$image" >/dev/null
    say "made $image"
done
