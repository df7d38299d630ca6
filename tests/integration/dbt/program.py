# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's program on a project of one's own, put together as the role does."""

import copy
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests/fixtures"


class Program:
    """A machine's project, state and settings below a directory."""

    def __init__(self, directory: Path, dbt, **settings):
        self.directory = directory
        self.project = directory / "project"
        self._dbt = dbt
        self._settings = settings
        self._assembled: dict[str, Path] = {}  # by name, those of all copies
        shutil.copytree(ROOT / "roles/dbt/files/project", self.project)

    def package(self, fixture: str, **options) -> dict:
        """A copy of a package, to be changed, as assemble takes it."""
        copy = self.directory / "fetched" / fixture
        if not copy.exists():
            shutil.copytree(FIXTURES / fixture, copy)
        return {"name": fixture, "directory": str(copy), **options}

    def assemble(self, *packages: dict, forms: list[dict] | None = None) -> dict:
        """Puts the project together; says whether it went well, and what was said."""
        projects = self.directory / "projects"
        answer = self._dbt.program("assemble", "--project", self.project, "--into", projects, "--packages", json.dumps(packages),
                                   "--forms", json.dumps(forms or []))
        made = [complete.resolve().parent for complete in projects.glob("*/.complete")]
        self._assembled.update({project.name: project for project in made})
        return answer

    def update(self, *options: str, check: bool = True, variables: dict | None = None, database: str = "warehouse", **settings) -> dict:
        """Runs the models; the outcomes by name stand in `models`, the log in `output`."""
        config = self.directory / "run.json"
        config.write_text(json.dumps({"state": str(self.directory / "state"), "pauses": [0.1, 0.1], **self._settings, **settings}))
        answer = self._dbt.program("update", "--config", config, "--json", "--vars", json.dumps(variables or {}), *options,
                                   **self.environment(), PGDATABASE=database, POSTGRES_DB=database)
        assert answer["success"] or not check, answer["output"]
        log, _brace, told = answer["output"].rpartition('{"summary"')
        told = json.loads(_brace + told) if _brace else {"summary": "", "models": []}
        return {**answer, "output": log, "summary": told["summary"], "models": {row["name"]: row for row in told["models"]}}

    def environment(self) -> dict:
        """Where dbt finds its project."""
        current, target = str(self.directory / "projects/current"), str(self.directory / "target")
        return {"DBT_PROJECT_DIR": current, "DBT_PROFILES_DIR": current, "DBT_TARGET_PATH": target, "DBT_LOG_PATH": target, "DBT_LOG_LEVEL_FILE": "none"}

    def assemble_again(self) -> dict:
        """With the country's package, as it is now."""
        return self.assemble(self.package("country-package"))

    def current(self) -> Path:
        """The project in use."""
        return (self.directory / "projects/current").resolve()

    def edit_package(self, name: str, old: str, new: str) -> None:
        """Changes the country's package."""
        _edit(self.directory / "fetched/country-package" / name, old, new)

    def edit_project(self, name: str, old: str, new: str) -> None:
        """Changes the built-in project."""
        _edit(self.project / name, old, new)

    def command(self, dbt) -> Path:
        """A command as the role installs it, for this program."""
        variables = {**dbt.environment, **self.environment()}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items() if name.startswith(("PG", "DBT_", "POSTGRES_", "CHT_", "PYTHONPATH"))]
        call = f'shift; exec {dbt.executable.parent}/python -m cht_dbt update --config {self.directory}/run.json "$@"'
        command = self.directory / "cht-dbt"
        command.write_text("\n".join(["#!/bin/sh", *lines, call, ""]), encoding="utf-8")
        command.chmod(0o755)
        (self.directory / "run.json").write_text(json.dumps({"state": str(self.directory / "state"), "pauses": []}))
        return command

    def playbook(self, command: Path, *arguments: str) -> tuple[int, str]:
        """playbooks/dbt.yml on this machine: its exit code and output."""
        hosts = self.directory / "hosts.json"
        local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable, "__dbt_command": str(command)}
        hosts.write_text(json.dumps({"all": {"children": {"dbt": {"hosts": {"localhost": local}}}}}))
        done = subprocess.run(
            ["ansible-playbook", "-i", hosts, ROOT / "playbooks/dbt.yml", *arguments],
            cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def copy(self, directory: Path) -> "Program":
        """The same machine elsewhere; a project that a copy put together already is found there by its content."""
        other = copy.copy(self)
        other.directory, other.project = directory, directory / "project"
        for name in ("project", "state", "fetched", "target"):
            shutil.copytree(self.directory / name, directory / name)
        (directory / "projects").mkdir()
        (directory / "projects/current").symlink_to(self.current())
        for name, assembled in self._assembled.items():
            if assembled.exists():
                (directory / "projects" / name).symlink_to(assembled)
        return other


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, path
    path.write_text(text.replace(old, new), encoding="utf-8")
