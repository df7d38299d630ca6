# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""README's production path as a stranger follows it: from `git clone` on a bare controller, over ssh and sudo, to the dashboards
of a bare machine, and to nothing again. CouchDB is behind a model of CHT's nginx and API, with an authority of its own (cht_front).
Bare machines are needed: `molecule test -s readme`."""

import http.client
import json
import re
import socket
import ssl
import statistics
import subprocess
import time
import uuid
from base64 import b64encode
from types import SimpleNamespace

import psycopg2
import pytest
from readme import ASKED, CONTROLLER, FRONT, GIVEN, PASSWORD, SITE, Operator, Readme, on_site, repository
from stack import DATABASES, INVENTORY, docker, secrets, until

pytestmark = pytest.mark.readme

CHT = "cht.example.org"
# The account that README has made.
READER = "analytics", "kusoma tu"
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


def makes_account(path, refused: bool = False) -> str:
    """What is said while README's command makes the account; the operator knows CouchDB's administrator, and types it."""
    typed = {"Name of CouchDB's administrator": "medic", "Its password": secrets()["couchdb_demo_password"]}
    said = path.operator.answers(path.readme.block("terminal") + path.readme.block("account"), typed, refused)
    assert not [secret for secret in (typed["Its password"], READER[1]) if secret in said]
    return said


def address(machine: str) -> dict:
    """How the network of the scenario knows a machine."""
    (network,) = json.loads(docker("inspect", machine))[0]["NetworkSettings"]["Networks"].values()
    return network


def put(path: str, document: dict, user: str, password: str) -> tuple[int, dict]:
    """What the CHT answers to a write, at its own name and certificate."""
    trusting = ssl.create_default_context(cadata=docker("exec", FRONT, "cat", "/opt/cht-front/authority.crt"))
    connection = http.client.HTTPSConnection(CHT, timeout=10)
    connection.sock = trusting.wrap_socket(socket.create_connection((address(FRONT)["IPAddress"], 443)), server_hostname=CHT)
    token = b64encode(f"{user}:{password}".encode()).decode()
    connection.request("PUT", path, json.dumps(document), {"Authorization": f"Basic {token}", "Content-Type": "application/json", "Accept": "application/json"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def written(database: str = "medic") -> float:
    """How many seconds it took a new document to come from the CHT into PostgreSQL."""
    id_ = str(uuid.uuid4())
    report = {"type": "data_record", "form": "pregnancy", "reported_date": int(time.time() * 1000)}
    status, body = put(f"/{database}/{id_}", report, "writer", GIVEN["writer_password"])
    assert status == 201, body
    start = time.monotonic()
    found = f"runuser -u postgres -- psql -qAtX cht_sync -c \"SELECT 'there' FROM v1.couchdb WHERE _id = '{id_}' AND _rev = '{body['rev']}'\""
    until(lambda: on_site(found).strip() == "there", 30, "the document's arrival")
    return time.monotonic() - start


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
    docker("cp", f"{FRONT}:/opt/cht-front/authority.crt", f"{directory}/ca.pem")
    docker("cp", f"{directory}/ca.pem", f"{CONTROLLER}:/srv/")
    readme = Readme(
        {
            "https://git.example.org/cht-sync.git": "/srv/cht-sync.bundle",
            "192.0.2.10": address(SITE)["IPAddress"],
            "cht-sync.example.org": SITE,
            "cht_sync_timezone: UTC": "cht_sync_timezone: Africa/Nairobi",
            "<the password of the account in CouchDB>": READER[1],
            "<the password of admin on the machine, for sudo>": PASSWORD,
            "/srv/logstash-8.19.20-linux-x86_64.tar.gz": "/srv/logstash.tar.gz",
            '"sha512:..."': "none",
            "192.0.2.20": address(SITE)["Gateway"],
        }
    )
    return SimpleNamespace(operator=Operator(readme), readme=readme, before=seen(), said={})


@pytest.fixture(scope="module")
def described(path):
    """The inventory is written, as far as README's steps 1 to 4 say."""
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
    return path


def test_the_source_is_as_strict_as_couchdb():
    """As couchdb_demo_strict says; what the account may do is worth nothing otherwise."""
    asked = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5984/medic/')"
    assert "401" in subprocess.run(["docker", "exec", FRONT, "python3", "-c", asked], check=False, capture_output=True, text=True).stderr
    tries = [put("/medic-sentinel/x", {}, "stranger", "wrong") for _ in range(6)]
    assert [status for status, _ in tries] == [401] * 5 + [403] and "temporarily locked" in tries[-1][1]["error"]


def test_an_unknown_authority_is_named_with_its_remedy(described):
    said = makes_account(described, refused=True)
    assert "base_ca_certificates" in said and "ca_file" in said, said[-3000:]


@pytest.fixture(scope="module")
def trusting(described):
    """The inventory names the authority that signed the CHT's certificate."""
    described.operator.types(described.readme.block("terminal") + "cp /srv/ca.pem inventories/mysite")
    described.operator.writes("main.yml with an authority", "group_vars/all/main.yml", append=True)
    return described


def test_an_account_that_is_not_there_stops_it_before_anything_changes(trusting):
    said = trusting.operator.types(trusting.readme.block("terminal") + trusting.readme.block("deploy").splitlines()[1], refused=True)
    assert "CouchDB refused" in said and "changed=0" in said, said[-3000:]
    assert seen() == trusting.before


@pytest.fixture(scope="module")
def deployed(trusting):
    """The site after the first deployment."""
    trusting.said["account"] = makes_account(trusting)
    cache(True)
    trusting.said["deploy"] = trusting.operator.follows("deploy")
    return trusting


def test_the_account_is_one_that_only_reads(deployed):
    said = " ".join(deployed.said["account"].split())
    for database in DATABASES:
        assert f"make {READER[0]} a member of {database}" in said
    assert f"make the account {READER[0]} with the role mm-online" in said and "It is for the API of a CHT" in said
    # To the main database CHT itself lets nobody write who has no right for it.
    status, body = put("/medic-sentinel/x", {}, *READER)
    assert (status, body["reason"]) == (403, "_design/cht-sync-read-only: this account only reads")
    # As verify.yml and status.yml try it, which have no more to say than what is wrong.
    tried = """ansible -i inventories/mysite sync -b -m cht.sync.couchdb_account_info -a '{
    "feeds": "{{ cht_sync_sources | cht.sync.feeds }}", "passwords": {"district": "{{ couchdb_password }}"}}'"""
    assert deployed.operator.types(deployed.readme.block("terminal") + tried).count("writes: refused") == len(DATABASES)
    assert f"account {READER[0]} may write" not in deployed.said["deploy"]


def test_its_documents_arrive(deployed):
    for database in DATABASES:
        assert re.search(rf"\| \S+/{database} +\| +([\d,]+) +\| +\1 ", deployed.said["deploy"]), deployed.said["deploy"][-3000:]


def test_every_document_is_the_same(deployed):
    for database in DATABASES:
        assert f"{CHT}/{database}: nothing differs" in deployed.said["deploy"], deployed.said["deploy"][-3000:]


def test_a_new_document_is_there_within_two_seconds(deployed):
    took = [written() for _ in range(5)]
    print(f"seconds from CouchDB to PostgreSQL: {', '.join(f'{seconds:.2f}' for seconds in took)}")
    assert statistics.median(took) < 2


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
    """The site after site.yml, as README's upgrade runs it; from here on as a user whom sudo asks for no password. Superset is left
    out, which takes longer than all else."""
    operator, readme = removed.operator, removed.readme
    operator.types(readme.block("key").splitlines()[-1].replace("admin@", "deploy@"), asked=True)
    operator.types(readme.block("terminal") + "EDITOR='sed -i /^ansible_become_password:/d' ansible-vault edit inventories/mysite/group_vars/all/secrets.yml")
    readme.blocks["hosts.yml"] = readme.blocks["hosts.yml"].replace("ansible_user: admin", "ansible_user: deploy")
    operator.puts(readme.blocks["hosts.yml"].partition("    superset:")[0], "hosts.yml")
    cache(True)
    removed.said["back"] = operator.follows("upgrade")
    return removed


def test_it_comes_back_with_the_same_documents(back):
    assert documents() == back.said["documents"]


def test_the_bi_tool_reads_the_marts_and_nothing_else(back):
    host = address(SITE)["IPAddress"]
    with psycopg2.connect(host=host, dbname="cht_sync", user="bi_reader", password="tool", sslmode="require") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM marts.rpt_area")
        assert cursor.fetchone()[0] > 0
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT doc FROM v1.couchdb")


@pytest.fixture(scope="module")
def gone(back):
    """The site after it was removed with its data."""
    cache(False)
    back.operator.writes("hosts.yml", "hosts.yml")
    back.said["gone"] = back.operator.follows("remove data")
    return back


def test_nothing_of_it_is_left(gone):
    owned = set(on_site("cat /var/lib/dpkg/info/*.list").splitlines())
    units = {f"unit {name.rsplit('/', 1)[1]}" for name in owned if "/systemd/system/" in name}
    assert sorted(line for line in seen() - gone.before - owned - units if not DEBIANS.match(line)) == []


def test_all_of_it_was_followed(gone):
    assert gone.readme.followed == set(gone.readme.blocks)
