# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of a site's own forms, from what the inventory says of them: which form, and which of its fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Mapping, Sequence

import yaml

_DIRECTORY = Path("models/marts/tables/forms")
_MODEL = """\
{{{{ config(
    meta={{'follows': follow_form('{form}')}},
    indexes=[{{'columns': ['patient_uuid']}}, {{'columns': ['area_uuid', 'reported_month']}}],
) }}}}

{{{{ form_model('{form}', '{model}') }}}}
"""
_NAME = re.compile("[a-z][a-z0-9_]{0,49}")
# As the macro `code` has it: of any other name the marts show `other`. PostgreSQL cuts longer names of tables.
_FORM = re.compile("(?=.{1,58}$)[0-9]{0,4}_?[A-Za-z][0-9]{0,8}([A-Za-z_:.-][0-9]{0,8})*")
_FIELD = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_CHOICE = re.compile("[A-Za-z0-9_.-]+")
_TYPES = ("integer", "boolean", "date")


class FormError(Exception):
    """What is wrong with an entry, for the operator."""


def add_forms(project: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add a model for each entry to a project that is being put together.

    Raises FormError.
    """
    directory = project / _DIRECTORY
    models = []
    for entry in entries:
        form = str(entry.get("form", ""))
        where = f"dbt_forms, {form or 'an entry without a form'}"
        _refuse_unless(_FORM.fullmatch(form), f"{where}: a form is a name as CHT has it: at most 58 letters, digits, _, -, . and :, a letter among the first")
        model = "form_" + re.sub("[^a-z0-9_]", "_", form.lower())
        _refuse_unless(not (directory / f"{model}.sql").exists(), f"{where}: there is a model {model} already")
        common = _common_columns(directory)
        columns = common + [_column(field, where) for field in entry.get("fields", [])]
        names = [column["name"] for column in columns]
        _refuse_unless(len(names) > len(common), f"{where}: names no fields")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise FormError(f"{where}: more than one column would have the name {', '.join(twice)}")
        models.append({
            "name": model, "description": f"Reports of the form {form}.", "constraints": [{"type": "primary_key", "columns": ["uuid"]}], "columns": columns})
        (directory / f"{model}.sql").write_text(_MODEL.format(form=form, model=model), encoding="utf-8")
    if models:
        (directory / "site_forms.yml").write_text(yaml.safe_dump({"models": models}, sort_keys=False), encoding="utf-8")


def _common_columns(directory: Path) -> list[dict[str, Any]]:
    """Those that every form's model has: the ones that are no field, of a model with nothing else."""
    models = yaml.safe_load((directory / "forms.yml").read_text(encoding="utf-8"))["models"]
    (pregnancy,) = (model for model in models if model["name"] == "form_pregnancy")
    return [dict(column) for column in pregnancy["columns"] if "field" not in column.get("config", {}).get("meta", {})]


def _column(field: Any, where: str) -> dict[str, Any]:
    """Text is one of some words: what is typed into a form is not shown."""
    name, path = str(field.get("name", "")), str(field.get("field", ""))
    given = [option for option in ("type", "words", "selected") if field.get(option)]
    _refuse_unless(_NAME.fullmatch(name), f"{where}: the name of a column is of small letters, digits and _, not {name!r}")
    _refuse_unless(_FIELD.fullmatch(path), f"{where}: {name} needs a field, names divided by dots, not {path!r}")
    _refuse_unless(len(given) == 1, f"{where}: {name} needs one of type, words (the choices there are), selected (a choice of several)")
    _refuse_unless(field.get("type") in (None, "", *_TYPES), f"{where}: the type of {name} is one of {', '.join(_TYPES)}, not {field.get('type')}")
    choices = [str(word) for word in [*(field.get("words") or []), field.get("selected")] if word]
    _refuse_unless(all(map(_CHOICE.fullmatch, choices)), f"{where}: {name} has no names of choices: {', '.join(choices)}")
    kind = {"type": field.get("type"), "words": "text", "selected": "boolean"}[given[0]]
    meta = {"field": path, **{"type": {}, "words": {"words": choices}, "selected": {"selected": "".join(choices)}}[given[0]]}
    return {"name": name, "data_type": kind, "description": f"fields.{path}", "config": {"meta": meta}}


def _refuse_unless(condition: object, message: str) -> None:
    if not condition:
        raise FormError(message)
