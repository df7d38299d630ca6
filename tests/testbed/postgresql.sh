#!/usr/bin/env bash
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: postgresql.sh [17]
#
# The PostgreSQL programs the integration tests start their own servers with: this machine's, or those of Debian 13
# in the image cht-sync-postgresql:17.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

if [ $# = 0 ]; then
    # With the client library where the role looks for it: this machine plays the target of its playbooks.
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && [ -e /usr/lib/python3/dist-packages/psycopg2/__init__.py ] ||
        apt_install postgresql python3-psycopg2
    exit 0
fi

version=$1 image=cht-sync-postgresql:$1
[ "$version" = 17 ] || die "no suite of Debian known that has PostgreSQL $version"
"$here/engine.sh"
docker image inspect "$image" >/dev/null 2>&1 && exit 0
MOLECULE_IMAGE='' "$here/image.sh" trixie

# The package would make a cluster and start it, on this machine's network.
install() {
    docker build --quiet --network host --tag "$image" - >/dev/null <<EOF
FROM cht-sync-machine:trixie
RUN mkdir -p /etc/postgresql-common/createcluster.d \
 && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/none.conf \
 && apt-get -qq update \
 && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends postgresql-$version \
 && apt-get clean
EOF
}
say "making $image"
retry 4 install
