#!/usr/bin/env python3
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the variables of each role into its README from meta/argument_specs.yml, or checks that they agree.

usage: readmes.py [--check]

Also checks that every default in defaults/main.yml is the one the specs name, and the other way round. Whatever stands
outside the two markers in a README is written by hand and stays.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- written by `make docs` from meta/argument_specs.yml -->"
END = "<!-- end -->"


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    problems = []
    for specs in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        role = specs.parents[1]
        spec = yaml.safe_load(specs.read_text())["argument_specs"]["main"]
        problems += differing_defaults(role, spec["options"])
        readme = role / "README.md"
        old = readme.read_text() if readme.exists() else ""
        new = with_variables(old, role.name, spec)
        if old == new:
            continue
        if check:
            problems.append(f"{readme.relative_to(ROOT)} is not what its argument specs say: run make docs")
        else:
            readme.write_text(new)
    print("\n".join(problems) or "role READMEs and defaults agree with the argument specs")
    return 1 if problems else 0


def differing_defaults(role: Path, options: dict) -> list[str]:
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text()) or {}
    specified = {name: option["default"] for name, option in options.items() if "default" in option}
    problems = []
    for name in sorted({*defaults, *specified}):
        if name not in defaults:
            problems.append(f"{role.name}: {name} has a default in the argument specs and none in defaults/main.yml")
        elif name not in specified:
            problems.append(f"{role.name}: {name} has a default in defaults/main.yml and none in the argument specs")
        elif defaults[name] != specified[name]:
            problems.append(f"{role.name}: {name} is {defaults[name]!r} in defaults/main.yml, {specified[name]!r} in the argument specs")
    return problems


def with_variables(readme: str, role: str, spec: dict) -> str:
    block = f"{BEGIN}\n{render(spec)}\n{END}"
    if BEGIN in readme:
        before, rest = readme.split(BEGIN, 1)
        return before + block + rest.split(END, 1)[1]
    return f"# cht.sync.{role}\n\n{block}\n"


def render(spec: dict) -> str:
    lines = [spec["short_description"] + ".", "", text(spec.get("description", [])), "", "| variable | type | default | meaning |"]
    lines += ["|---|---|---|---|"]
    for name, option in spec["options"].items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        meaning = text(option["description"])
        if "choices" in option:
            meaning += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
        if "options" in option:
            members = (f"`{member}`{'' if details.get('required') else ' (optional)'}" for member, details in option["options"].items())
            meaning += " Each has " + ", ".join(members) + "."
        lines.append(f"| `{name}` | {kind} | {default(option)} | {meaning} |")
    return "\n".join(lines)


def default(option: dict) -> str:
    if option.get("required"):
        return "**required**"
    value = option.get("default")
    if value in ("", None, [], {}):
        return "empty"
    shown = value if isinstance(value, str) else json.dumps(value)
    return f"`{shown}`".replace("|", "\\|") if len(shown) < 80 else "see `defaults/main.yml`"


def text(description) -> str:
    words = " ".join([description] if isinstance(description, str) else description)
    for mark in "CVOPM":
        while f"{mark}(" in words:
            start = words.index(f"{mark}(")
            end = words.index(")", start)
            words = words[:start] + "`" + words[start + 2 : end] + "`" + words[end + 1 :]
    return words.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
