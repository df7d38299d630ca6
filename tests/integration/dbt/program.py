# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's program on a project of one's own, put together as the role does."""

import copy
import json
import shutil
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
        shutil.copytree(ROOT / "roles/dbt/files/project", self.project)

    def package(self, fixture: str, **options) -> dict:
        """A copy of a package, to be changed, as assemble takes it."""
        copy = self.directory / "fetched" / fixture
        if not copy.exists():
            shutil.copytree(FIXTURES / fixture, copy)
        return {"name": fixture, "directory": str(copy), **options}

    def assemble(self, *packages: dict) -> dict:
        """Puts the project together; says whether it went well, and what was said."""
        return self._dbt.program("assemble", "--project", self.project, "--into", self.directory / "projects", "--packages", json.dumps(packages))

    def update(self, *options: str, check: bool = True, variables: dict | None = None, **settings) -> dict:
        """Runs the models; the outcomes by name stand in `models`, the log in `output`."""
        config = self.directory / "run.json"
        config.write_text(json.dumps({"state": str(self.directory / "state"), "pauses": [0.1, 0.1], **self._settings, **settings}))
        current = str(self.directory / "projects/current")
        answer = self._dbt.program(
            "update", "--config", config, "--json", "--vars", json.dumps(variables or {}), *options,
            DBT_PROJECT_DIR=current, DBT_PROFILES_DIR=current, DBT_TARGET_PATH=str(self.directory / "target"),
            DBT_LOG_PATH=str(self.directory / "target"), DBT_LOG_LEVEL_FILE="none",
        )  # fmt: skip
        assert answer["success"] or not check, answer["output"]
        log, _brace, told = answer["output"].rpartition('{"summary"')
        told = json.loads(_brace + told) if _brace else {"summary": "", "models": []}
        return {**answer, "output": log, "summary": told["summary"], "models": {row["name"]: row for row in told["models"]}}

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

    def copy(self, directory: Path) -> "Program":
        """The same machine elsewhere."""
        other = copy.copy(self)
        other.directory, other.project = directory, directory / "project"
        for name in ("project", "state", "fetched", "target"):
            shutil.copytree(self.directory / name, directory / name)
        (directory / "projects").mkdir()
        (directory / "projects/current").symlink_to(self.current())
        return other


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, path
    path.write_text(text.replace(old, new), encoding="utf-8")
