#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: archive.sh VERSION FILE.tar.gz
#
# Packs the test double of Logstash as the vendor packs the real one: everything in one directory logstash-VERSION.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=${1:?usage: archive.sh VERSION FILE.tar.gz} destination=${2:?usage: archive.sh VERSION FILE.tar.gz}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
top=$scratch/logstash-$version

cp -RL "$here/logstash" "$top"
echo "$version" >"$top/VERSION"
mkdir -p "$top/config" "$top/data" "$top/jdk/bin"
# The real archive brings a Java.
printf '#!/bin/sh\necho "TEST DOUBLE: this is no Java" >&2\nexit 1\n' >"$top/jdk/bin/java"
chmod +x "$top/jdk/bin/java"
printf '# TEST DOUBLE: nothing reads this\n-Xms1g\n-Xmx1g\n' >"$top/config/jvm.options"
printf '# TEST DOUBLE: all settings have their defaults\n' >"$top/config/logstash.yml"
# The same bytes each time, so that nothing is copied anew for nothing.
mkdir -p "$(dirname "$destination")"
tar -C "$scratch" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - "logstash-$version" | gzip -n >"$destination.part"
mv "$destination.part" "$destination"
