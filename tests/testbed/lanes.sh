#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: lanes.sh LANES TARGET...
#
# Runs make's targets in so many lanes beside each other, since much of the time a machine is waited for: a lane that is
# free takes the next one, so the longest come first. Each line says whose it is. At the end: how long each target took
# and, last, what failed, in the words of whatever failed. After a failure no other target is begun.
# What Ansible and pytest measure goes into .cache/times, for `make times`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
export COLUMNS=500 # so that molecule breaks no line that is looked for in the end
WORTH_A_WORD=50    # minutes
times=$PWD/.cache/times
rm -rf "$times"
outputs=$(mktemp -d)
trap 'rm -rf "$outputs"' EXIT

printf '%s\n' "${@:2}" >"$outputs/.queue"

# Takes the first target off the queue.
next() {
    (
        flock 9
        head -n 1 "$outputs/.queue"
        sed -i 1d "$outputs/.queue"
    ) 9>"$outputs/.lock"
}

lane() {
    local target start status
    while target=$(next) && [ -n "$target" ]; do
        start=$SECONDS status=0
        mkdir -p "$times/$target"
        JUNIT_OUTPUT_DIR=$times/$target PYTEST_ADDOPTS="--junitxml=$times/$target/pytest.xml" \
            ANSIBLE_CALLBACKS_ENABLED=ansible.builtin.junit \
            make --no-print-directory "$target" 2>&1 | tee "$outputs/$target" | sed -u "s/^/[$1] /" || status=1
        printf '%4d s  %s\n' $((SECONDS - start)) "$target" >>"$outputs/.times"
        [ "$status" = 0 ] || { echo "$target" >>"$outputs/.failed"; : >"$outputs/.queue"; return 1; }
    done
}

# What of an output says why: pytest's list of what failed, else Ansible's and the shell's words for it, else how it ended.
why() {
    local plain
    plain=$(sed -E 's/\x1b\[[0-9;]*m//g; s/^ *[│└─]+ ?//' "$1")
    grep -E '^(FAILED|ERROR) .*::' <<<"$plain" | cut -c1-1000 | grep . ||
        grep -E -A5 '^(fatal|failed): |^An exception|^E  |[a-z]\.sh: ' <<<"$plain" | tail -n 15 | cut -c1-400 | grep . ||
        tail -n 15 <<<"$plain"
}

pids=()
for number in $(seq "$1"); do
    lane "$number" &
    pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do
    wait "$pid" || failed=1
done

sort -rn "$outputs/.times" >&2
say "all lanes took $((SECONDS / 60)) min $((SECONDS % 60)) s; make times shows what took longest"
[ "$SECONDS" -lt $((WORTH_A_WORD * 60)) ] ||
    say "WARNING: this is more than $WORTH_A_WORD minutes, and CI ends a run after 90: see make times"
[ "$failed" = 0 ] || while read -r target; do
    say "make $target failed:"
    why "$outputs/$target" >&2
done <"$outputs/.failed"
exit "$failed"
