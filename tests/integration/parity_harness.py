# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`cht-relay parity` as a process between a model of CouchDB and the real warehouse; systemctl is a stand-in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from servers import ROOT, SECRET

PACKAGES = f"{ROOT / 'roles/base/files'}:{ROOT / 'roles/relay/files'}"

# Openly a stand-in: it keeps one state for all units and writes down what it was told.
SYSTEMCTL = """#!/bin/sh
cd {directory} || exit 1
case $1 in
    show) cat unit-state ;;
    stop) echo inactive >unit-state; echo "$*" >>unit-told ;;
    start) echo active >unit-state; echo "$*" >>unit-told ;;
esac
"""


@dataclass
class Said:
    code: int
    out: list[str]
    err: str

    @property
    def found(self) -> list[str]:
        """The findings: kind, id, revisions."""
        words = [line.split(" ") for line in self.out]
        return [" ".join([kind, *rest]) for kind, source, *rest in words if not kind.endswith(":")]

    @property
    def summary(self) -> list[str]:
        return [line for line in self.out if line.split(" ")[0].endswith(":")]


class Parity:
    """The command with its files in `directory`, for sources given to `add`."""

    def __init__(self, directory: Path, postgresql, postgrest):
        self.directory, self.postgresql, self.postgrest = directory, postgresql, postgrest
        for name in ("bin", "parity", "relay"):
            (directory / name).mkdir()
        for name, value in (("password", "p"), ("monitor", "m"), ("jwt-secret", SECRET)):
            (directory / name).write_text(value)
        (directory / "bin/systemctl").write_text(SYSTEMCTL.format(directory=directory))
        (directory / "bin/systemctl").chmod(0o755)
        self.unit("active")

    def add(self, couchdb_url: str, source: str = "a/medic", engine: str = "relay", ca_file: str | None = None, **relay):
        """A source; `relay`: keys of the relay's configuration."""
        name = source.replace("/", ".")
        couchdb = {
            "source": source,
            "couchdb_url": couchdb_url,
            "database": "medic",
            "couchdb_username": "u",
            "couchdb_password_file": str(self.directory / "password"),
            "couchdb_ca_file": ca_file,
        }
        own = {
            **couchdb,
            "postgresql_host": "127.0.0.1",
            "postgresql_port": self.postgresql.port,
            "postgresql_database": "cht_sync",
            "postgresql_user": "monitor",
            "postgresql_password_file": str(self.directory / "monitor"),
        }
        if engine == "relay":
            config = self.directory / f"relay/{name}.json"
            postgrest = {"postgrest_url": self.postgrest.url, "jwt_secret_file": str(self.directory / "jwt-secret")}
            config.write_text(json.dumps({**couchdb, **postgrest, **relay}))
            own["relay_config"] = str(config)
        (self.directory / f"parity/{name}.json").write_text(json.dumps(own))

    def start(self, *arguments: str) -> subprocess.Popen:
        places = ["--config-dir", self.directory / "parity", "--runtime-dir", self.directory / "run"]
        path = f"{self.directory / 'bin'}:{os.environ['PATH']}"
        return subprocess.Popen(
            [sys.executable, "-m", "cht_relay", "parity", "--settle", "0.2", *places, *arguments],
            env={**os.environ, "PATH": path, "PYTHONPATH": PACKAGES},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
            preexec_fn=_heed_hangups,
        )  # fmt: skip

    def run(self, *arguments: str) -> Said:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        print(out, err, sep="\n")
        return Said(process.returncode, out.splitlines(), err)

    def install(self) -> str:
        """Puts the command into a directory, as the role does into /usr/local/bin, and returns that."""
        own = f"--settle 0.2 --config-dir {self.directory}/parity --runtime-dir {self.directory}/run"
        text = f'#!/bin/sh\nshift\nPYTHONPATH={PACKAGES} exec {sys.executable} -m cht_relay parity {own} "$@"\n'
        (self.directory / "bin/cht-relay").write_text(text)
        (self.directory / "bin/cht-relay").chmod(0o755)
        return str(self.directory / "bin")

    def unit(self, state: str | None = None) -> str:
        """The state of the unit; sets it first if one is given."""
        path = self.directory / "unit-state"
        if state:
            path.write_text(state)
        return path.read_text().strip()

    @property
    def told(self) -> list[str]:
        """What systemd was told to do."""
        path = self.directory / "unit-told"
        return path.read_text().splitlines() if path.exists() else []


def _heed_hangups():
    """Whatever runs the tests may have been started by nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def rev(couch, id_):
    return next(change.rev for change in couch.changes(None) if change.id == id_)


def differ(couch, cursor):
    """One difference of each kind; returns the lines that must tell them."""
    old, gone = rev(couch, "doc-1"), rev(couch, "doc-2")
    couch.put("doc-1", {"n": 2})
    couch.put("doc-2", {}, deleted=True)
    vanished = rev(couch, "doc-3")
    couch.purge("doc-3")
    cursor.execute("DELETE FROM v1.couchdb WHERE _id = 'doc-0'")
    cursor.execute("UPDATE v1.couchdb SET _deleted = true, _rev = NULL WHERE _id = 'doc-4'")
    return [
        f"missing doc-0 couchdb={rev(couch, 'doc-0')} postgresql=none",
        f"outdated doc-1 couchdb={rev(couch, 'doc-1')} postgresql={old}",
        f"undeleted doc-4 couchdb={rev(couch, 'doc-4')} postgresql=none",
        f"deleted doc-2 couchdb={rev(couch, 'doc-2')} postgresql={gone}",
        f"vanished doc-3 couchdb=none postgresql={vanished}",
    ]
