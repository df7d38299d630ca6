# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""dbt from the role's lock."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "dbt" / "files"


def installed() -> Path:
    """The environment with dbt, named by lock and interpreter; made where it is not there."""
    lock = ROLE / "requirements.txt"
    digest = hashlib.sha256(lock.read_bytes() + os.path.realpath(sys.executable).encode()).hexdigest()[:12]
    venv = ROOT / ".cache" / f"dbt-{digest}"
    venv.parent.mkdir(exist_ok=True)
    with venv.with_suffix(".lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # the tests of two versions of PostgreSQL may begin at once
        if not (venv / ".complete").exists():
            uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
            subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, venv], check=True)
            subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", venv / "bin" / "python", "--require-hashes", "-r", lock], check=True)
            (venv / ".complete").touch()
    return venv


def environment(port: int, target: Path) -> dict[str, str]:
    """What dbt is told by its environment: the database `warehouse` of a server on the loopback, as user dbt."""
    return {
        "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGDATABASE": "warehouse", "PGUSER": "dbt",
        "CHT_SYNC_TIMEZONE": "Africa/Nairobi", "DO_NOT_TRACK": "1", "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(target),
        "DBT_PROJECT_DIR": str(ROLE / "project"), "DBT_PROFILES_DIR": str(ROLE / "project"),
        "POSTGRES_DB": "warehouse", "POSTGRES_SCHEMA": "dbt", "POSTGRES_TABLE": "couchdb",
        "PYTHONPATH": f"{ROLE}:{ROOT / 'roles/base/files'}"}
