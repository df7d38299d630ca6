# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployed stack as its operator sees it: playbooks, machines, CouchDB, the warehouse.

CHT_TEST_INVENTORY: the inventory of the machines, the demo's by default.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import uuid
from pathlib import Path

import requests
import testinfra
import yaml

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = Path(os.environ.get("CHT_TEST_INVENTORY", ROOT / "inventories/demo")).resolve()
# For the playbooks: whose inventory it is, and that their output is read by tests.
os.environ.update({"CHT_TEST_INVENTORY": str(INVENTORY), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"})
DATABASES = ("medic", "medic-sentinel", "medic-users-meta")


def until(condition, seconds: float = 60, what: str = "it"):
    """Waits until condition() is true and returns its value; fails after a limit."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)
    return value


def _started(name: str, arguments: tuple[str, ...]) -> dict:
    """How a playbook is started, as subprocess takes it."""
    return {
        "args": ["ansible-playbook", "-i", str(INVENTORY), f"playbooks/{name}.yml", *arguments],
        "cwd": ROOT,
        "env": {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def playbook(name: str, *arguments: str) -> subprocess.CompletedProcess:
    """Runs a playbook of the collection on the scenario's machines; stdout and stderr together. No run has Ansible itself warn."""
    done = subprocess.run(**_started(name, arguments), check=False)
    # What our own module says of a dashboard that somebody changed is meant to be read.
    warned = re.findall(r"^\[(?:DEPRECATION )?WARNING\](?!: Somebody changed in Superset).*", done.stdout, re.MULTILINE)
    assert not warned, warned
    return done


def killed_playbook(name: str, play: str, *arguments: str) -> str:
    """Runs a playbook and kills it, as a power cut at the controller does, when it comes to this play. What it said until then."""
    with subprocess.Popen(**_started(name, arguments), start_new_session=True) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(f"PLAY [{play}]"):
                break
        os.killpg(process.pid, signal.SIGKILL)
    assert said[-1].startswith(f"PLAY [{play}]"), "".join(said)[-3000:]
    return "".join(said)


def parity(source: str, *arguments: str) -> tuple[int, str]:
    """Compares a source, or all: exit code, and the output with its white space made one."""
    done = playbook("parity", "-e", f"parity_source={source}", *arguments)
    return done.returncode, " ".join(done.stdout.split())


def group(name: str) -> str:
    """The machine of an inventory group."""
    hosts = yaml.safe_load((INVENTORY / "hosts.yml").read_text())
    return next(iter(hosts["all"]["children"][name]["hosts"]))


def machine(name: str):
    """A machine by its inventory group."""
    return testinfra.get_host(f"docker://{group(name)}")


def secrets() -> dict[str, str]:
    """What playbooks/secrets.yml made for these machines."""
    return yaml.safe_load((INVENTORY / "group_vars/all/secrets.yml").read_text())


def source(**changed) -> dict:
    """The source as the inventory has it, but for what is `changed`."""
    (entry,) = yaml.safe_load((INVENTORY / "group_vars/all/main.yml").read_text())["cht_sync_sources"]
    return {**entry, "password": secrets()["couchdb_demo_password"], **changed}


def sources(**changed) -> str:
    """Extra variables for a playbook: this one source."""
    return json.dumps({"cht_sync_sources": [source(**changed)]})


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


class Warehouse:
    """The database, read as its superuser."""

    def __init__(self):
        self.machine = machine("postgresql")

    def text(self, sql: str, database: str = "cht_sync") -> str:
        """What psql prints: a line a row, columns divided by |."""
        done = self.machine.run("runuser -u postgres -- psql -qAtX -d %s -c %s", database, sql)
        assert done.rc == 0, done.stderr
        return done.stdout.strip()

    def rows(self, sql: str) -> list[list]:
        """The rows of a query that gives one JSON array a row."""
        return [json.loads(line) for line in self.text(sql).splitlines()]

    def value(self, sql: str):
        """The one value of a query."""
        rows = self.rows(f"SELECT json_build_array(({sql}))")
        return rows[0][0]

    def documents(self, database: str) -> dict[str, tuple]:
        """_id -> (_rev, deleted) of all documents of a database's source."""
        found = self.rows(
            f"SELECT json_build_array(_id, _rev, _deleted) FROM v1.couchdb WHERE split_part(source, '/', 2) = '{database}'"
        )
        return {id_: (rev, deleted) for id_, rev, deleted in found}

    def answers(self) -> bool:
        return self.machine.run("runuser -u postgres -- psql -qAtX -d cht_sync -c 'SELECT 1'").rc == 0


class CouchDB:
    """The source, from outside."""

    def __init__(self):
        name = group("couchdb_demo")
        networks = json.loads(docker("inspect", name))[0]["NetworkSettings"]["Networks"]
        address = next(iter(networks.values()))["IPAddress"]
        self.url = f"http://{address}:5984"
        self.session = requests.Session()
        self.session.auth = ("medic", secrets()["couchdb_demo_password"])
        self.session.headers["Accept"] = "application/json"

    def documents(self, database: str) -> dict[str, tuple]:
        """_id -> (_rev, deleted) of all documents but design documents."""
        answer = self.session.get(f"{self.url}/{database}/_changes", timeout=60).json()
        return {
            row["id"]: (row["changes"][0]["rev"], row.get("deleted", False))
            for row in answer["results"]
            if not row["id"].startswith("_design/")
        }

    def answers(self) -> bool:
        try:
            return self.session.get(self.url, timeout=5).ok
        except requests.ConnectionError:
            return False

    def write(self, database: str = "medic", **fields) -> str:
        """Writes a report and returns its id."""
        report = {"_id": str(uuid.uuid4()), "type": "data_record", "form": "pregnancy", "reported_date": int(time.time() * 1000)}
        document = {**report, **fields}
        self.session.put(f"{self.url}/{database}/{document['_id']}", json=document, timeout=10).raise_for_status()
        return document["_id"]

    def delete(self, id_: str, database: str = "medic") -> None:
        document = self.session.get(f"{self.url}/{database}/{id_}", timeout=10).json()
        self.session.delete(f"{self.url}/{database}/{id_}", params={"rev": document["_rev"]}, timeout=10).raise_for_status()


def lacking(source: dict[str, tuple], stored: dict[str, tuple]) -> dict[str, tuple]:
    """What of a source is not stored as it is. Logstash's tombstones come without a revision."""
    return {id_: (rev, gone) for id_, (rev, gone) in source.items() if stored.get(id_) not in ((rev, gone), *([(None, True)] * gone))}


def assert_equal(couchdb: CouchDB, warehouse: Warehouse, seconds: float = 60) -> None:
    """Every document that should be in PostgreSQL is there, in its last revision; tombstones are flagged."""
    for database in DATABASES:
        source = couchdb.documents(database)
        assert source
        # compared as they end up, with what differs in the message
        end = time.monotonic() + seconds
        while (missing := lacking(source, stored := warehouse.documents(database))) and time.monotonic() < end:
            time.sleep(0.5)
        # What vanished at the source stays as a row flagged as deleted.
        extra = {id_: (rev, gone) for id_, (rev, gone) in stored.items() if id_ not in source and not gone}
        assert not missing and not extra, f"{database}: {len(missing)} missing or old, {len(extra)} too many: {list(missing.items())[:3]} {list(extra)[:3]}"


def changed_by(done: subprocess.CompletedProcess, code: int = 0) -> list[str]:
    """Names of the tasks by which a playbook that ended with this code changed something."""
    assert done.returncode == code, done.stdout[-3000:]
    tasks = re.split(r"^(?:TASK|RUNNING HANDLER) \[(.*)\] \**$", done.stdout, flags=re.MULTILINE)
    return [name for name, said in zip(tasks[1::2], tasks[2::2]) if re.search("^changed: ", said, re.MULTILINE)]


def survives(kills: dict[str, str], warehouse: Warehouse, writer: list[str]) -> None:
    """What is written before, during and after kills arrives, and each row has a stamp of its own.

    `kills` are commands by the group of the machine.
    """
    written = len(writer)
    until(lambda: len(writer) > written + 20, 30, "writing")
    for name, kill in kills.items():
        assert machine(name).run(kill).rc == 0
    written = len(writer)
    until(lambda: len(writer) > written + 50, 30, "writing")
    until(warehouse.answers, 60, "PostgreSQL's return")
    last = writer[-1]
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{last}'"), 120, "arrival after the kill")
    assert warehouse.value("SELECT count(*) - count(DISTINCT saved_timestamp) FROM v1.couchdb") == 0
