# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Superset notes of its users' actions in its table `logs`: who did what with which dashboard, and nothing else.

Superset itself notes all that a call carries: passwords of connections and accounts, and the text of queries.

python -m cht_superset.events: takes that out of what was noted before. With "-" it reads secrets from standard input, a JSON
object by name, and prints the names of those that are in the table.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import psycopg2

from cht_superset import settings

# What Superset's pages and its administrator read of a note.
KEPT = (
    "path", "url_rule", "object_ref", "event_name", "event_type", "event_id", "impression_id", "source", "source_id", "dashboard_id",
    "slice_id", "pk", "id", "uuid", "ts", "start_offset", "duration", "database_id", "engine", "viz_type", "force", "standalone",
)  # fmt: skip
# How long the steps of a chart took: five notes a chart, each with a commit in the midst of it, besides the one that says who saw it.
MEASURES = ("execute_sql", "load_into_dataframe", "QueryObject.post_processing", "_get_data_response", "ChartDataRestApi.json_dumps")
_SHORT = re.compile(r"[\w ./:<>=-]{0,200}")  # no statement, no address with a password


def kept(record: dict[str, Any]) -> dict[str, Any]:
    """What is noted of a record."""
    return {
        name: value
        for name in KEPT
        if (value := record.get(name)) is not None and (isinstance(value, (bool, int, float)) or isinstance(value, str) and _SHORT.fullmatch(value))
    }


def note_less() -> None:
    """Makes Superset's own logger note less. It is changed and not replaced: what was imported before holds it already."""
    from superset.utils.log import DBEventLogger  # pylint: disable=import-outside-toplevel  # it takes seconds

    note, look = DBEventLogger.log, DBEventLogger.log_with_context

    def log(self, user_id, action, *args, records=(), **kwargs):
        kwargs["curated_payload"] = kept(kwargs.get("curated_payload") or {})
        note(self, user_id, action, *args, records=[kept(record) for record in records], **kwargs)

    def log_with_context(self, action, *args, **kwargs):
        if action not in MEASURES:
            look(self, action, *args, **kwargs)

    DBEventLogger.log, DBEventLogger.log_with_context = log, log_with_context


def clean(connection) -> int:
    """Takes out of all notes what is not kept; how many were changed."""
    changed = 0
    with connection.cursor("notes", withhold=True) as reader, connection.cursor() as writer:
        reader.execute("SELECT id, json FROM logs WHERE json IS NOT NULL")
        for number, text in reader:
            try:
                after = json.dumps(kept(json.loads(text)))
            except (ValueError, AttributeError):  # no object
                after = None
            if after is None or json.loads(after) != json.loads(text):
                writer.execute("UPDATE logs SET json = %s WHERE id = %s", (after, number))
                changed += 1
    return changed


def found(connection, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that are in a note."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM json_each_text(%s) AS secret (name, value)"
            " WHERE EXISTS (SELECT FROM logs WHERE strpos(json, value) > 0 OR strpos(referrer, value) > 0) ORDER BY name",
            (json.dumps({name: value for name, value in secrets.items() if value}),),
        )
        return [name for (name,) in cursor.fetchall()]


def main(*arguments: str) -> None:
    with psycopg2.connect(settings.read()["SQLALCHEMY_DATABASE_URI"].replace("+psycopg2", "", 1)) as connection:
        if arguments == ("-",):
            print("\n".join(found(connection, json.load(sys.stdin))))
        else:
            print(clean(connection))


if __name__ == "__main__":
    main(*sys.argv[1:])
