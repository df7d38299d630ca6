# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the built-in project and the packages of a site together into one dbt project.

The project is made beside the one in use, read once by dbt, and only then put in its place: what cannot be used changes
nothing. It is named by its content.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Collection, Iterable, Iterator, Mapping, Sequence

import yaml

from cht_dbt.calls import Dbt, DbtError, environment_of, install_packages
from cht_dbt.forms import FormError, add_forms

_PROJECT = "dbt_project.yml"
# What a package says it needs, from the network as a rule. What it does need is a package of the site.
_DEPENDENCIES = ("packages.yml", "package-lock.yml", "dependencies.yml")
_LEFT_OUT = (".git", "dbt_packages", "target", "logs", *_DEPENDENCIES)
# Of the built-in project: what another base layer takes the place of, and what stays of it, in place of that layer's own models.
# cht-pipeline's fail for ever on a document without metadata.year, and what reads them is not run then.
_BASE = ("models/base", "base_macros")
_STAYS = "models/base/documents/telemetry"
OWN_NAME = "cht_sync"
_KEPT = 3  # assembled projects, the one in use included


class AssemblyError(Exception):
    """What is wrong with a package, for the operator."""


@dataclass(frozen=True)
class Package:
    """A dbt project that becomes a part of ours."""

    name: str  # as the inventory calls it
    directory: Path
    base: bool = False  # whether it takes the place of the built-in base models
    schema: str = ""  # where its models go, unless it says so itself; empty: schema dbt


def assemble(
    builtin: Path, packages: Sequence[Package], into: Path, variables: Mapping[str, Any], forms: Sequence[Mapping[str, Any]] = ()
) -> bool:
    """Make into/current the project of these; whether it changed.

    Raises AssemblyError.
    """
    roots = {package: _root(package) for package in packages}
    names = _names(roots)
    project = into / _identity(builtin, roots, variables, forms)
    if not (project / ".complete").exists():
        if project.exists():  # cut off
            shutil.rmtree(project)
        try:
            _build(project, builtin, roots, names)
            add_forms(project, forms)
            _check(project, variables)
        except FormError as error:
            shutil.rmtree(project)
            raise AssemblyError(str(error)) from error
        except DbtError as error:
            shutil.rmtree(project)
            raise AssemblyError(f"dbt cannot read the project with {', '.join(names.values()) or 'no package'}: {error}") from error
        (project / ".complete").touch()
    return _make_current(into, project)


def _root(package: Package) -> Path:
    """Where its project is: an archive holds one directory as a rule."""
    inside = [path.parent for path in package.directory.glob(f"*/{_PROJECT}")]
    if (package.directory / _PROJECT).is_file():
        return package.directory
    if len(inside) == 1:
        return inside[0]
    raise AssemblyError(f"package {package.name}: there is no {_PROJECT} in what was fetched, so it is no dbt package")


def _names(roots: Mapping[Package, Path]) -> dict[Package, str]:
    """What the packages call themselves."""
    names: dict[Package, str] = {}
    for package, root in roots.items():
        try:
            name = yaml.safe_load((root / _PROJECT).read_text(encoding="utf-8"))["name"]
        except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise AssemblyError(f"package {package.name}: its {_PROJECT} is no YAML with a name") from error
        for other, taken in [*names.items(), (None, OWN_NAME)]:
            if name == taken:
                owner = f"package {other.name}" if other else "the built-in project"
                raise AssemblyError(f"package {package.name}: its {_PROJECT} has the name {name}, which {owner} has too")
        names[package] = name
    return names


def _identity(builtin: Path, roots: Mapping[Package, Path], variables: Mapping[str, Any], forms: Sequence[Mapping[str, Any]]) -> str:
    digest = hashlib.sha256(repr((version("dbt-core"), sorted(variables.items()), *forms)).encode())
    for package, root in [(None, builtin), *roots.items()]:
        about = (package.base, package.schema) if package else ()
        digest.update(repr(about).encode())
        for path in _files(root):
            digest.update(repr(str(path.relative_to(root))).encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not set(path.relative_to(root).parts) & set(_LEFT_OUT):
            yield path


def _build(project: Path, builtin: Path, roots: Mapping[Package, Path], names: Mapping[Package, str]) -> None:
    base = next((package for package in roots if package.base), None)
    _copy(builtin, project, without=_BASE if base else (), but=_STAYS)
    for package, root in roots.items():
        _copy(root, project / "packages" / names[package])
        if package.base:
            _give_way(project / "packages" / names[package], {path.stem for path in (builtin / _STAYS).glob("*.sql")})
    settings = _settings(project)
    if base:
        # A package's macros are seen by itself only. As the root project's they are seen by the packages that use them.
        own = [path for path in settings["macro-paths"] if path not in _BASE]
        settings["macro-paths"] = [*own, *(f"packages/{names[base]}/{path}" for path in _macro_paths(roots[base]))]
        settings["on-run-end"] = []  # it keeps results itself
    for package in roots:
        if package.schema:
            settings["models"][names[package]] = {"+schema": package.schema}
    (project / _PROJECT).write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    local = [{"local": f"packages/{name}"} for name in names.values()]
    (project / "packages.yml").write_text(yaml.safe_dump({"packages": local}), encoding="utf-8")


def _give_way(root: Path, names: Collection[str]) -> None:
    """Take these models out of a package, with what its YAML says of them: dbt wants each name once."""
    for models in _settings(root).get("model-paths", ["models"]):
        for path in list((root / models).rglob("*")):
            if path.suffix == ".sql" and path.stem in names:
                path.unlink()
            elif path.suffix in (".yml", ".yaml"):
                about = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
                left = {**about, "models": [model for model in about.get("models") or [] if model["name"] not in names],
                        "unit_tests": [test for test in about.get("unit_tests") or [] if test["model"] not in names]}  # fmt: skip
                path.write_text(yaml.safe_dump(left, sort_keys=False), encoding="utf-8")


def _macro_paths(root: Path) -> list[str]:
    return _settings(root).get("macro-paths", ["macros"])


def _settings(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / _PROJECT).read_text(encoding="utf-8"))


def _copy(source: Path, target: Path, without: Iterable[str] = (), but: str | None = None) -> None:
    for path in _files(source):
        relative = path.relative_to(source)
        if (but and relative.is_relative_to(but)) or not any(relative.is_relative_to(left_out) for left_out in without):
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / relative)


def _check(project: Path, variables: Mapping[str, Any]) -> None:
    paths = {"DBT_PROJECT_DIR": project, "DBT_PROFILES_DIR": project, "DBT_TARGET_PATH": project / "target", "DBT_LOG_PATH": project / "logs"}
    with environment_of({**{name: str(path) for name, path in paths.items()}, "DBT_LOG_LEVEL_FILE": "none", "DO_NOT_TRACK": "1"}):
        install_packages()
        Dbt(variables, project / "target").read()
    for directory in ("target", "logs"):
        if (project / directory).exists():
            shutil.rmtree(project / directory)


def _make_current(into: Path, project: Path) -> bool:
    current = into / "current"
    if current.is_symlink() and current.readlink() == project:
        return False
    fresh = into / ".current"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(project)
    fresh.replace(current)
    others = [path for path in into.iterdir() if path.is_dir() and not path.is_symlink() and path != project]
    for old in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT - 1 :]:
        shutil.rmtree(old)
    return True
