# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of documents in which one value each is a text that must be found again wherever it goes."""

import copy
import uuid

NAMESPACE = uuid.UUID("4a0f0a44-6c0e-4d3f-9f4e-6a1b0f0c9d11")
# What every document has, or what makes it the document that it is.
KEPT = {("_id",), ("_rev",)}
# How many values of one document at most
TOGETHER = 10
FREE, CODE = "Njeri Invented +254700{:06}", "marker_x{}"
# As they are found in any text: a free text by any part of it that a cut could leave.
FREE_FOUND, CODE_FOUND = r"Njeri|Invented|\+2547|254700\d", r"marker_x\d+"


def leaves(value, path=()):
    """Paths of all values that are no object and no list; of a list's elements alike the first."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from leaves(member, (*path, number))
    else:
        yield path


def name(path):
    """A path as it is alike in all documents of a kind."""
    return tuple("[]" if isinstance(step, int) else step for step in path)


def at(document, path):
    for step in path:
        document = document[step]
    return document


class Planter:
    """Makes the copies, and knows which marker stands where."""

    def __init__(self):
        self.where = {}
        self.kinds = {}
        self._last = ""

    def copies(self, document, database):
        """For each value that no document of the kind has shown yet, one for each way to put a marker there. Values in groups take turns with
        their neighbours, some at a time, so that what is beside one is as it should be.
        """
        kind = (database, document.get("type") or document["_id"].split(":")[0], str(document.get("form") or document.get("contact_type")))
        seen = self.kinds.setdefault(kind, set())
        fresh = {}
        for path in leaves(document):
            if name(path) not in seen and path not in KEPT:
                fresh.setdefault(name(path), path)
        seen.update(fresh)
        inner = [path for path in fresh.values() if len(path) > 1]
        turns = -(-len(inner) // TOGETHER)
        for paths in [*([path] for path in fresh.values() if len(path) == 1), *(inner[turn::turns] for turn in range(turns))]:
            for way in self.WAYS:
                changed = copy.deepcopy(document)
                for path in paths:
                    at(changed, path[:-1])[path[-1]] = way(self, at(document, path), f"{kind} {'.'.join(map(str, path))}")
                yield {**changed, "_id": self._id(document)}
        if "key" not in seen:
            seen.add("key")
            yield self._with_keys(document, f"{kind} key")

    def marker(self, where, text=FREE):
        number = len(self.where)
        self.where[number] = where
        return text.format(number)

    # The marker in the place of a value; behind it, where its form goes on: a date, an id or a code; quoted; and as an object or a list.
    WAYS = (
        lambda self, value, where: self.marker(where),
        lambda self, value, where: self.marker(where, CODE),
        lambda self, value, where: f"{value} {self.marker(where)}",
        lambda self, value, where: f"{value}_{self.marker(where, CODE)}",
        lambda self, value, where: f'{value} {{"name":"{self.marker(where)}"}}',
        lambda self, value, where: {"name": self.marker(where), "phone": self.marker(where), "_id": {"name": self.marker(where)}},
        lambda self, value, where: [self.marker(where)])

    def _with_keys(self, document, where):
        changed = copy.deepcopy(document)
        for group in [changed, *(member for member in changed.values() if isinstance(member, dict))]:
            group[self.marker(where)] = self.marker(where)
            group[self.marker(where, CODE)] = {self.marker(where, CODE): self.marker(where)}
        return {**changed, "_id": self._id(document)}

    def _id(self, document):
        """An id as documents of the kind have it."""
        own, fresh, kind = document["_id"], str(uuid.uuid5(NAMESPACE, str(len(self.where)))), document.get("type")
        if kind == "user-settings":
            return f"org.couchdb.user:u{len(self.where)}"
        if kind == "telemetry":
            return "-".join([*own.split("-")[:5], fresh])
        if kind == "info":
            return f"{self._last}-info"
        if kind in ("task", "target", "form") or not kind:
            return f"{own}~{fresh}"
        if kind == "data_record":
            self._last = fresh
        return fresh
