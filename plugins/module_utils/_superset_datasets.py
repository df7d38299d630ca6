# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset's datasets and connections by the names that people use for them."""

from __future__ import annotations

import uuid

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError


class Missing(SupersetError):
    """Superset does not have what was named, which a task before may be about to make."""


def is_uuid(text: str) -> bool:
    """Whether the text is a uuid as Superset writes them."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def find_connection(superset: Superset, named: str) -> dict:
    """Id and name of the connection with this name or uuid. Raises Missing."""
    field = "uuid" if is_uuid(named) else "database_name"
    found = superset.get("/api/v1/database/", {"filters": [{"col": field, "opr": "eq", "value": named}]})["result"]
    if not found:
        raise Missing(f'Superset has no database connection "{named}": cht.sync.superset_database makes one')
    return {"id": found[0]["id"], "name": found[0]["database_name"]}


class Datasets:
    """Finds datasets, each once."""

    def __init__(self, superset: Superset, connection: str | None) -> None:
        self.superset = superset
        self.connection = connection
        self.found: dict[str, dict] = {}

    def find(self, named: str) -> dict:
        """Id and label of a dataset, by its uuid or as schema.table. Raises Missing, or SupersetError if two have that name."""
        if named not in self.found:
            self.found[named] = self._look_up(named)
        return self.found[named]

    def _look_up(self, named):
        answer = self.superset.get(
            "/api/v1/dataset/",
            {"filters": self._filters(named), "columns": ["id", "table_name", "schema", "database.database_name"]},
        )
        found = answer["result"]
        if not found:
            raise Missing(f'Superset has no dataset "{named}": name it by its uuid or as schema.table')
        if len(found) > 1:
            of = ", ".join(sorted(dataset["database"]["database_name"] for dataset in found))
            raise SupersetError(f'There are several datasets "{named}" ({of}): give database too, or the uuid')
        return {"id": found[0]["id"], "label": label(found[0])}

    def _filters(self, named):
        if is_uuid(named):
            return [{"col": "uuid", "opr": "eq", "value": named}]
        schema, dot, table = named.partition(".")
        if not dot:
            raise SupersetError(f'Dataset "{named}": name it by its uuid or as schema.table')
        filters = [{"col": "schema", "opr": "eq", "value": schema}, {"col": "table_name", "opr": "eq", "value": table}]
        if self.connection is not None:
            connection = find_connection(self.superset, self.connection)
            filters.append({"col": "database", "opr": "rel_o_m", "value": connection["id"]})
        return filters


def label(dataset: dict) -> str:
    """A dataset in a diff: the number tells those of one name apart, as it does in Superset's permissions."""
    return f"{dataset['table_name']} (id:{dataset['id']})"
