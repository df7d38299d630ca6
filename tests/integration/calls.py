# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to api.claim and api.ingest, as the engines make them."""

import json

SOURCES = [{"source": f"{host}/medic", "engine": engine} for host, engine in (("a", "relay"), ("b", "relay"), ("c", "logstash"))]
LONG_ID = "".join(chr(0x4E00 + number * 7919 % 20000) for number in range(10000))  # longer than an index entry


def empty(cursor) -> None:
    """An empty warehouse whose sources nobody has claimed."""
    cursor.execute("TRUNCATE v1.couchdb, v1.couchdb_progress, v1.quarantine, v1.shortened_id")
    cursor.execute("UPDATE v1.source SET lease = NULL, identity = NULL, replaced_at = NULL, replaced_identity = NULL")
    cursor.execute("UPDATE v1.stamp SET last = 'epoch', ids_unknown_until = 'epoch'")


def row(id_, rev, **fields) -> str:
    """A row of a `_changes` page as CouchDB writes it."""
    doc = json.dumps({"_id": id_, "_rev": rev, **fields}, ensure_ascii=False, separators=(",", ":"))
    deleted = '"deleted":true,' if fields.get("_deleted") else ""
    return f'{{"seq":null,"id":{json.dumps(id_)},"changes":[{{"rev":"{rev}"}}],{deleted}"doc":{doc}}}'


def page(*rows, last_seq="1-x", pending=0, count=None) -> str:
    """A call's body."""
    head = json.dumps({"last_seq": last_seq, "pending": pending, "rows": len(rows) if count is None else count})
    return head + "\n" + ",\r\n".join(rows)


def event(id_, seq="1-e", deleted=False, doc=None) -> dict:
    """An event as the Logstash pipeline shapes it."""
    return {"id": id_, "seq": seq, "deleted": deleted, "doc": doc}


class Source:
    """One claimed source."""

    def __init__(self, postgrest, cursor, name="a/medic", engine="relay"):
        self.postgrest, self.cursor, self.name, self.engine = postgrest, cursor, name, engine
        self.lease = self.replaced = None
        self.claim()

    def claim(self, identity=None):
        answer = self.postgrest.post("claim", {"source": self.name, "engine": self.engine, "identity": identity})
        assert answer.status_code == 200, answer.text
        self.lease, self.replaced = answer.json()["lease"], answer.json()["replaced"]
        return answer.json()["seq"]

    def send(self, body):
        return self.postgrest.post("ingest", body, **{"X-CHT-Source": self.name, "X-CHT-Lease": self.lease})

    def lands(self, body) -> dict:
        answer = self.send(body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refuses(self, body, status, words=""):
        before = self.state()
        answer = self.send(body)
        assert answer.status_code == status, answer.text
        assert words is None or words in answer.json()["message"], answer.text
        assert self.state() == before
        return answer

    def state(self):
        self.cursor.execute("SELECT to_jsonb(c) FROM v1.couchdb c ORDER BY _id")
        documents = self.cursor.fetchall()
        self.cursor.execute("SELECT to_jsonb(p) FROM v1.couchdb_progress p ORDER BY source")
        return documents, self.cursor.fetchall()

    def stored(self, id_):
        """(_rev, _deleted, doc) of a document, or None."""
        self.cursor.execute("SELECT _rev, _deleted, doc FROM v1.couchdb WHERE _id = %s", (id_,))
        return self.cursor.fetchone()

    def progress(self):
        """(seq, pending) as stored."""
        self.cursor.execute("SELECT seq, pending FROM v1.couchdb_progress WHERE source = %s", (self.name,))
        return self.cursor.fetchone()
