# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""README's production path as a stranger follows it: from `git clone` on a bare controller, over ssh and sudo, to the dashboards
of a bare machine, and to nothing again. Bare machines are needed: `molecule test -s readme`."""

import json
import re
import subprocess
from types import SimpleNamespace

import psycopg2
import pytest
from readme import ASKED, CONTROLLER, PASSWORD, SITE, Operator, Readme, on_site, repository
from stack import DATABASES, INVENTORY, docker, group, secrets, until

pytestmark = pytest.mark.readme

# The container sees the host's memory.
SMALL = "\npostgresql_memory_mb: 256\nsuperset_workers: 1\n"
# What lies where, who there is and what may run.
LOOK = """
find /etc /opt /usr/local /var/lib /var/backups /root -path /var/lib/dpkg -prune -o -path /var/lib/apt -prune -o -name '.ansible*' -prune -o -print
getent passwd | sed 's/:.*//; s/^/user /'
getent group | sed 's/:.*//; s/^/group /'
systemctl list-unit-files --no-legend --state=enabled,disabled,static,masked,indirect,alias,linked | sed 's/ .*//; s/^/unit /'
"""

# What packages of Debian make when they are installed, beside the files that they name, and what its daily jobs keep; they stay.
DEBIANS = re.compile(
    "(user|group) (postgres|ssl-cert|systemd-timesync)$|unit dbus-org.*timesync|/etc/systemd/system/.*(timesync|unattended-upgrades|logrotate)"
    "|/var/lib/(systemd|ucf|logrotate|unattended-upgrades)(/|$)|/etc/apt/apt.conf.d/(20auto|50unattended)-upgrades$"
    "|/var/backups/(alternatives|dpkg|apt)[.]|/etc/(alternatives|ssl|rc..d)/|/etc/(default/locale|locale.gen|networks|postgresql(/15)?|sub[ug]id-)$"
)


def seen() -> set[str]:
    return set(on_site(LOOK).splitlines())


def cache(used: bool) -> None:
    """Lends the machine what uv fetched before, where site.yml looks for it; or takes it away, since uninstalling empties it."""
    if used:
        on_site("mkdir -p /opt/cht-sync/cache/uv && mount --bind /srv/uv /opt/cht-sync/cache/uv")
    else:
        on_site("umount /opt/cht-sync/cache/uv")


def documents() -> list:
    """How many, when each was written (as one number), and how far the sources are."""
    return json.loads(
        on_site(
            "runuser -u postgres -- psql -qAtX cht_sync -c \"SELECT json_build_array(count(*), md5(string_agg(_id || saved_timestamp, '' ORDER BY _id)))"
            ' FROM v1.couchdb"'
        )
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Both machines, bare, and who follows README; and the machine as it was before."""
    directory = tmp_path_factory.mktemp("readme")
    (directory / "asked").write_text(ASKED)
    (directory / "asked").chmod(0o755)
    repository(directory)
    docker("cp", f"{directory}/cht-sync.bundle", f"{CONTROLLER}:/srv/")
    # Made by tests/testbed/scenario.sh.
    (archive,) = INVENTORY.glob("logstash-*-double.tar.gz")
    docker("cp", str(archive), f"{CONTROLLER}:/srv/logstash.tar.gz")
    for machine in (CONTROLLER, SITE):
        docker("cp", f"{directory}/asked", f"{machine}:/usr/local/bin/")
    (network,) = json.loads(docker("inspect", SITE))[0]["NetworkSettings"]["Networks"].values()
    readme = Readme(
        {
            "https://git.example.org/cht-sync.git": "/srv/cht-sync.bundle",
            "192.0.2.10": network["IPAddress"],
            "cht-sync.example.org": SITE,
            "https://cht.example.org": f"http://{group('couchdb_demo')}:5984",
            "username: analytics": "username: medic",
            "cht_sync_timezone: UTC": "cht_sync_timezone: Africa/Nairobi",
            "<the password of the account in CouchDB>": secrets()["couchdb_demo_password"],
            "<the password of admin on the machine, for sudo>": PASSWORD,
            "/srv/logstash-8.19.20-linux-x86_64.tar.gz": "/srv/logstash.tar.gz",
            '"sha512:..."': "none",
            "192.0.2.20": network["Gateway"],
        }
    )
    return SimpleNamespace(operator=Operator(readme), readme=readme, before=seen(), said={})


@pytest.fixture(scope="module")
def deployed(path):
    """The site after the first deployment."""
    operator = path.operator
    operator.follows("tools", begin=False)
    operator.follows("key", begin=False, asked=True)
    operator.follows("copy")
    operator.writes("hosts.yml", "hosts.yml")
    operator.writes("main.yml", "group_vars/all/main.yml", SMALL)
    operator.writes("main.yml with an archive", "group_vars/all/main.yml", append=True)
    operator.follows("secrets")
    operator.writes("secrets.yml", "group_vars/all/secrets.yml", append=True)
    operator.follows("vault")
    cache(True)
    path.said["deploy"] = operator.follows("deploy")
    return path


def test_its_documents_arrive(deployed):
    for database in DATABASES:
        assert re.search(rf"\| \S+/{database} +\| +([\d,]+) +\| +\1 ", deployed.said["deploy"]), deployed.said["deploy"][-3000:]


def test_psql_opens(deployed):
    ask = "SELECT 'found ' || count(*) FROM v1.couchdb;\n"
    assert f"found {documents()[0]}" in deployed.operator.types(deployed.readme.block("psql"), ask, machine=SITE, user="admin", asked=True)


def test_the_dashboards_open_from_the_desk(deployed):
    operator = deployed.operator
    password = operator.follows("password").split()[-1]
    script = """
import json, sys, urllib.request
address, body = "http://127.0.0.1:8088", {"username": "admin", "password": sys.stdin.readline().strip(), "provider": "db"}
ask = urllib.request.Request(address + "/api/v1/security/login", json.dumps(body).encode(), {"Content-Type": "application/json"})
token = json.load(urllib.request.urlopen(ask, timeout=60))["access_token"]
ask = urllib.request.Request(address + "/api/v1/dashboard/", headers={"Authorization": "Bearer " + token})
print([dashboard["slug"] for dashboard in json.load(urllib.request.urlopen(ask, timeout=60))["result"]])
"""
    with subprocess.Popen(operator.command(deployed.readme.block("tunnel")), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as tunnel:
        try:
            listens = ["docker", "exec", CONTROLLER, "bash", "-c", "</dev/tcp/127.0.0.1/8088"]
            until(lambda: subprocess.run(listens, check=False, capture_output=True).returncode == 0, 30, "the tunnel")
            assert "community-health" in operator.types(f"python3 -c '{script}'", password + "\n")
        finally:
            tunnel.stdin.close()


def test_a_login_for_a_bi_tool_is_made(deployed):
    said = deployed.operator.types(
        deployed.readme.block("psql"), deployed.readme.block("login") + "tool\ntool\n\\du bi_reader\n", machine=SITE, user="admin", asked=True
    )
    assert "marts_reader" in said
    deployed.operator.writes("main.yml for a BI tool", "group_vars/all/main.yml", append=True)


@pytest.fixture(scope="module")
def removed(deployed):
    """The site after it was removed, its data kept."""
    on_site("systemctl stop cht-sync-logstash")
    deployed.said["documents"] = documents()
    cache(False)
    deployed.said["remove"] = deployed.operator.follows("remove")
    return deployed


def test_removing_keeps_the_data(removed):
    assert documents() == removed.said["documents"]
    left = {line for line in seen() - removed.before if re.search("cht", line)}
    print("\n".join(sorted(left)))
    assert not {line for line in left if line.startswith(("user ", "unit ", "group "))}
    assert "Keep inventories/mysite" in removed.said["remove"]


def test_removing_again_changes_nothing(removed):
    again = removed.operator.types(removed.readme.block("terminal") + removed.readme.block("remove").splitlines()[-1])
    assert set(re.findall(r"changed=(\d+)", again)) == {"0"}, again[-3000:]


@pytest.fixture(scope="module")
def back(removed):
    """The site after site.yml, as README's upgrade runs it."""
    cache(True)
    removed.said["back"] = removed.operator.follows("upgrade")
    return removed


def test_it_comes_back_with_the_same_documents(back):
    assert documents() == back.said["documents"]


def test_the_bi_tool_reads_the_marts_and_nothing_else(back):
    address = back.readme.blocks["hosts.yml"].split("ansible_host: ")[1].split()[0]
    with psycopg2.connect(host=address, dbname="cht_sync", user="bi_reader", password="tool", sslmode="require") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM marts.rpt_area")
        assert cursor.fetchone()[0] > 0
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT doc FROM v1.couchdb")


@pytest.fixture(scope="module")
def gone(back):
    """The site after it was removed with its data."""
    cache(False)
    back.said["gone"] = back.operator.follows("remove data")
    return back


def test_nothing_of_it_is_left(gone):
    owned = set(on_site("cat /var/lib/dpkg/info/*.list").splitlines())
    units = {f"unit {name.rsplit('/', 1)[1]}" for name in owned if "/systemd/system/" in name}
    assert sorted(line for line in seen() - gone.before - owned - units if not DEBIANS.match(line)) == []


def test_all_of_it_was_followed(gone):
    assert gone.readme.followed == set(gone.readme.blocks)
