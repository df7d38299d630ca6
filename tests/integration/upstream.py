# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables as upstream's cht-sync made them, of the Logstash era and of v2, and what it left in them."""

import json

LOGSTASH = """
CREATE TABLE v1.{0} ("@version" text, "@timestamp" timestamp, _id text, _rev text, doc jsonb, doc_as_upsert boolean, UNIQUE (_id, _rev));
CREATE INDEX {0}_timestamp ON v1.{0} ("@timestamp")
"""
V2 = """
CREATE TABLE {0}.couchdb (saved_timestamp timestamp, _id varchar PRIMARY KEY, _deleted boolean, source varchar, doc jsonb);
CREATE INDEX ON {0}.couchdb (_deleted); CREATE INDEX ON {0}.couchdb (saved_timestamp); CREATE INDEX ON {0}.couchdb (source);
CREATE TABLE {0}.couchdb_progress (seq varchar, pending integer, updated_at timestamptz, source varchar PRIMARY KEY)
"""


def doc(id_, rev, **fields) -> dict:
    return {"_id": id_, "_rev": rev, **fields}


class Upstream:
    """Upstream's tables in one database."""

    def __init__(self, postgresql, database):
        self.connection = postgresql.connect(database)
        self.cursor = self.connection.cursor()

    def logstash(self, table, *documents):
        """A table with one row a document; also of what its columns say otherwise: (document, _id, _rev)."""
        self.cursor.execute("CREATE SCHEMA IF NOT EXISTS v1;" + LOGSTASH.format(table))
        for entry in documents:
            document, id_, rev = entry if isinstance(entry, tuple) else (entry, entry["_id"], entry["_rev"])
            self.cursor.execute(
                f"INSERT INTO v1.{table} VALUES ('1', '2024-01-02 03:04:05', %s, %s, %s, true)", (id_, rev, json.dumps(document))
            )

    def v2(self, *rows, schema="v1", progress=()):
        """The two tables; a row is (minute of saved_timestamp or None, _id, _deleted, source, document)."""
        self.cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema};" + V2.format(schema))
        for minute, id_, deleted, source, document in rows:
            stamp = None if minute is None else f"2024-05-06 07:{minute:02d}:08"
            self.cursor.execute(
                f"INSERT INTO {schema}.couchdb VALUES (%s, %s, %s, %s, %s)", (stamp, id_, deleted, source, json.dumps(document))
            )
        for seq, pending, source in progress:
            self.cursor.execute(f"INSERT INTO {schema}.couchdb_progress VALUES (%s, %s, now(), %s)", (seq, pending, source))
