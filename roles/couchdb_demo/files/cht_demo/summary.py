# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts of an instance, without a server."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict

from cht_demo.instance import DATABASES, EDIT_ROUNDS, Instance, encode
from cht_demo.model import Document


def kind_of(document: Document) -> str:
    """The name a document is counted under: its form, else its type, else what its id says."""
    if document.get("type") == "data_record":
        return f"data_record:{document['form']}"
    if "type" in document:
        return str(document["type"])
    return "design" if document["_id"].startswith("_design/") else "configuration"


def summarise(instance: Instance) -> Dict[str, Any]:
    """Documents per database and kind, edits, deletions and bytes of the first revisions."""
    databases: Dict[str, Any] = {}
    for database in DATABASES:
        kinds: Counter = Counter()
        size = 0
        for document in instance.documents(database):
            kinds[kind_of(document)] += 1
            size += len(encode(document))
        databases[database] = {
            "documents": sum(kinds.values()), "bytes": size, "types": dict(sorted(kinds.items())),
            "edits": sum(1 for number in range(1, EDIT_ROUNDS + 1) for _edit in instance.edits(database, number)),
            "deletions": len(instance.deletions(database))}
    return {
        "size": instance.size, "seed": instance.seed, "today": instance.today.isoformat(),
        "documents": sum(entry["documents"] for entry in databases.values()), "databases": databases}
