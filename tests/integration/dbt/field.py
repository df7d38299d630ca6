# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of documents that real sites hold, tests/fixtures/field: a YAML file a case. Its README says what stands in one."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

DIRECTORY = Path(__file__).parents[2] / "fixtures/field"
INSTANCE = "cht.example.org"
# When what `has` names was made: the first days of February and March 2026.
PLACED, REGISTERED, REPORTED = 1769929200000, 1770706800000, 1772694000000
KINDS = {"facility": ("district_hospital", PLACED), "area": ("health_center", PLACED), "household": ("clinic", REGISTERED),
         "person": ("person", REGISTERED), "report": ("data_record", REPORTED)}
# Every instance has these, under the same ids.
OF_EVERY_INSTANCE = re.compile("settings|form:.*|org.couchdb.user:.*")


class Wrong(Exception):
    """A case that cannot be played, and why."""


class Loader(yaml.SafeLoader):
    """Leaves days and moments the texts that they are in documents and in to_jsonb's answers."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


@dataclass
class Case:
    """One file."""

    name: str
    about: str
    expect: list[dict]
    instances: dict[str, dict[str, list[dict]]]  # documents by instance and database

    def documents(self):
        """Each with its instance and database."""
        return [(instance, database, document) for instance, databases in self.instances.items()
                for database, documents in databases.items() for document in documents]


class Surroundings:
    """The documents of `has`, whose short names become ids that begin with the case's name."""

    def __init__(self, case: str, items: list):
        self.case = case
        self.documents: dict[str, dict] = {}
        if items:
            self._place("facility", self._id("facility"), None)
        for item in items:
            text, members = next(iter(item.items())) if isinstance(item, dict) else (item, {})
            self._add(text, members)

    def _id(self, name: str) -> str:
        return f"{self.case}_{name}"

    def _add(self, text: str, members: dict) -> None:
        words = re.fullmatch(r"(facility|area|household|person|report) (\w+)(?: (?:in|by) (\w+))?", text)
        if not words:
            raise Wrong(f"has: {text!r} is none of: facility f, area a [in f], household h in a, person p in h, report r by a")
        kind, name, parent = words.groups()
        uuid, above = self._id(name), self._id(parent or "facility")
        if kind != "facility" and above not in self.documents:
            raise Wrong(f"has: {text!r}: there is no {parent} before it")
        if kind == "report":
            worker = {"_id": f"{above}_chw", "parent": self._lineage(above)}
            self._make(kind, uuid, form="visit", content_type="xml", contact=worker, **{"from": "+254700000001"}, fields={})
        elif kind == "person":
            self._person(uuid, above)
        else:
            self._place(kind, uuid, None if kind == "facility" else above)
        self.documents[uuid].update(members)

    def _make(self, kind: str, uuid: str, **members) -> None:
        if uuid in self.documents:
            raise Wrong(f"has: {uuid} is there twice")
        type_, moment = KINDS[kind]
        self.documents[uuid] = {"_id": uuid, "type": type_, "reported_date": moment, **members}

    def _lineage(self, uuid: str) -> dict:
        parent = self.documents[uuid]["parent"]
        return {"_id": uuid, **({"parent": parent} if parent else {})}

    def _place(self, kind: str, uuid: str, above: str | None) -> None:
        self._make(kind, uuid, name=f"Place {uuid}", parent=self._lineage(above) if above else "", contact="")
        if kind == "area":
            self.documents[uuid]["contact"] = {"_id": f"{uuid}_chw"}
            self._person(f"{uuid}_chw", uuid)

    def _person(self, uuid: str, above: str) -> None:
        self._make("person", uuid, name=f"Person {uuid}", sex="female", date_of_birth="1995-04-01", patient_id=f"code_{uuid}",
                   parent=self._lineage(above))


def read(name: str, text: str) -> Case:
    """The case of a file's text; Wrong names what is not as it should be."""
    content = yaml.load(text, Loader)
    if not isinstance(content, dict) or not content.get("about") or not content.get("expect"):
        raise Wrong(f"{name}: needs about and expect")
    if unknown := set(content) - {"about", "has", "documents", "instances", "expect"}:
        raise Wrong(f"{name}: does not know {', '.join(sorted(unknown))}")
    try:
        surroundings = list(Surroundings(name, content.get("has", [])).documents.values())
    except Wrong as error:
        raise Wrong(f"{name}: {error}") from None
    for answer in content["expect"]:
        if set(answer) - {"from", "where", "is", "rows"} or "from" not in answer or ("is" in answer) == ("rows" in answer):
            raise Wrong(f"{name}: an entry of expect has from, where, and either is or rows, not {answer}")
    instances = {instance: dict(databases) for instance, databases in content.get("instances", {}).items()}
    if surroundings or "documents" in content:
        own = content.get("documents", {})
        instances[INSTANCE] = {**own, "medic": [*surroundings, *own.get("medic", [])]}
    return Case(name, content["about"], content["expect"], instances)


def check(cases: list[Case]) -> None:
    """Wrong where two hold the same document, or one a document that is not named after it."""
    owners: dict[tuple, str] = {}
    for case in cases:
        for instance, _database, document in case.documents():
            uuid = document["_id"]
            if case.name not in uuid and not (instance != INSTANCE and OF_EVERY_INSTANCE.fullmatch(uuid)):
                raise Wrong(f"{case.name}: the id {uuid} must hold the case's name")
            if owner := owners.get((instance, uuid)):
                raise Wrong(f"{case.name}: the id {uuid} is of {owner} already")
            owners[instance, uuid] = case.name


def catalogue() -> list[Case]:
    """All cases."""
    cases = [read(path.stem, path.read_text(encoding="utf-8")) for path in sorted(DIRECTORY.glob("*.yml"))]
    check(cases)
    return cases
