#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: lanes.sh "TARGET..." "TARGET..."
#
# Runs make's targets in lanes beside each other, since most of the time a machine is waited for. Each line says whose
# it is; what failed is told again at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
outputs=$(mktemp -d)
trap 'rm -rf "$outputs"' EXIT

pids=()
for lane in "$@"; do
    number=${#pids[@]}
    # shellcheck disable=SC2086
    (make --no-print-directory $lane 2>&1 | tee "$outputs/$number" | sed -u "s/^/[$((number + 1))] /") &
    pids+=($!)
done

failed=0
for number in "${!pids[@]}"; do
    wait "${pids[$number]}" && continue
    failed=1
    say "lane $((number + 1)) failed (${*:number+1:1}); its last lines:"
    tail -n 60 "$outputs/$number" >&2
done
say "all lanes took $((SECONDS / 60)) min $((SECONDS % 60)) s"
exit "$failed"
