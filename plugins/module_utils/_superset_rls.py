# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of row-level security that belong to one role."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_datasets import label

PATH = "/api/v1/rowlevelsecurity/"


def check_clause(clause: str) -> str | None:
    """What is wrong with a condition, or None.

    Superset puts it between parentheses into each query as it is. One that closes them, or comments the rest out, would
    let more rows through than it says, and one that cannot be parsed would stop every chart.
    """
    if not clause.strip():
        return "is empty"
    depth, quote, position = 0, "", 0
    while position < len(clause):
        character, pair = clause[position], clause[position : position + 2]
        position += 1
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif pair in ("--", "/*"):
            return f'holds a comment ("{pair}")'
        elif character == ";":
            return "holds a semicolon"
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth < 0:
                return "closes a parenthesis that it did not open"
    if quote:
        return f"has a quote ({quote}) that is not closed"
    return "has a parenthesis that is not closed" if depth else None


class Rules:
    """The rules of one role, as Superset has them and as they should be.

    A rule belongs to the role if it names no other: what is shared is somebody else's business.
    """

    def __init__(self, superset: Superset, role_id: int | None) -> None:
        self.superset = superset
        self.role_id = role_id
        self.stored = {rule["name"]: rule for rule in superset.get_all(PATH, "name")}

    def own(self) -> dict[str, dict]:
        """Meaning of the role's rules, by name."""
        return {name: _meaning(rule) for name, rule in self.stored.items() if self.role_id and _roles(rule) == {self.role_id}}

    def check(self, wanted: dict[str, dict]) -> None:
        """Raises SupersetError where a rule of that name is also another role's, who would lose it."""
        for name in wanted:
            others = [role["name"] for role in self.stored.get(name, {}).get("roles", []) if role["id"] != self.role_id]
            if others:
                raise SupersetError(
                    f'The row-level security rule "{name}" is also that of {", ".join(sorted(others))}: give the rule of '
                    "this role another name"
                )

    def write(self, wanted: dict[str, dict], role_id: int) -> None:
        """Creates and updates the wanted ones."""
        for name, rule in wanted.items():
            stored = self.stored.get(name)
            if stored and _roles(stored) == {role_id} and _meaning(stored) == _shown(rule):
                continue
            # All of it: what a change does not name, Superset would empty.
            body = {
                "name": name,
                "filter_type": rule["filter_type"],
                "clause": rule["clause"],
                "group_key": rule["group_key"],
                "tables": [dataset["id"] for dataset in rule["datasets"]],
                "roles": [role_id],
            }
            if stored:
                self.superset.put(f"{PATH}{stored['id']}", body)
            else:
                self.superset.post(PATH, body)

    def remove(self, names: set[str]) -> None:
        """Deletes rules of these names."""
        for name in sorted(names):
            self.superset.delete(f"{PATH}{self.stored[name]['id']}")


def wanted_rules(rules: list[dict], find: Callable[[str], dict | None]) -> dict[str, dict]:
    """Rules by name, their datasets looked up with `find`. Raises SupersetError for one that Superset could not apply."""
    wanted: dict[str, dict] = {}
    for rule in rules:
        name = rule["name"]
        problem = check_clause(rule["clause"])
        if problem:
            raise SupersetError(f'The clause of the row-level security rule "{name}" {problem}: {rule["clause"]}')
        if name in wanted:
            raise SupersetError(f'There are two row-level security rules "{name}": names tell them apart')
        if not rule["datasets"]:
            raise SupersetError(f'The row-level security rule "{name}" names no datasets')
        found = {dataset["id"]: dataset for dataset in map(find, rule["datasets"]) if dataset}
        wanted[name] = {**rule, "datasets": list(found.values())}
    return wanted


def shown(wanted: dict[str, dict]) -> dict[str, dict]:
    """Wanted rules in the form of `Rules.own`."""
    return {name: _shown(rule) for name, rule in wanted.items()}


def _shown(rule):
    return {
        "filter_type": rule["filter_type"],
        "clause": rule["clause"],
        "group_key": rule["group_key"] or None,
        "datasets": sorted(dataset["label"] for dataset in rule["datasets"]),
    }


def _meaning(rule):
    return _shown({**rule, "datasets": [{"label": label(table)} for table in rule["tables"]]})


def _roles(rule):
    return {role["id"] for role in rule["roles"]}
