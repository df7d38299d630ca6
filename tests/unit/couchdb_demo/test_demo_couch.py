# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loader, live writer and command line, against a CouchDB in memory and against scripted HTTP answers."""

import functools
import json
import pickle
import random
import threading
from collections import Counter
from datetime import date, datetime, timezone

import pytest
from cht_demo import DATABASES, encode, generate
from cht_demo import loader as loader_module
from cht_demo.cli import main
from cht_demo.couch import Couch, CouchError, CouchUnavailable
from cht_demo.directory import read_directory
from cht_demo.loader import SECURITY, Loader, batches
from cht_demo.writer import Writer
from engine_peers import Peer, Reply

TODAY = date(2026, 11, 24)
SIZE = 2000


class MemoryCouch(Couch):
    """Behaves as CouchDB 3.5 does in the recordings, for the few calls that are made.

    `fail_at` makes the request of that number fail after it was carried out, `lose_at` before, and
    `tear_at` when half of its documents were written.
    """

    def __init__(self):
        super().__init__("http://couch.test:5984", "admin", "secret")
        self.databases = {}
        self.requests = 0
        self.writes = 0
        self.fail_at = self.lose_at = self.tear_at = None

    def request(self, method, path, body=None, missing_ok=False, params=None):
        self.requests += 1
        if self.requests == self.lose_at:
            raise CouchUnavailable("lost before")
        content = json.loads(body) if body else None
        if self.requests == self.tear_at and path.endswith("/_bulk_docs"):
            content["docs"] = content["docs"][:len(content["docs"]) // 2]
        answer = self.answer(method, path.strip("/").split("/"), content, params or {})
        if self.requests in (self.fail_at, self.tear_at):
            raise CouchUnavailable("lost after")
        return answer

    def answer(self, method, path, body, params):
        name = path[0]
        if len(path) == 1 and method == "PUT":
            assert name not in self.databases
            self.databases[name] = {"docs": {}, "local": {}, "security": {}}
            return {"ok": True}
        if name not in self.databases:
            return None
        database = self.databases[name]
        if len(path) == 1:
            deleted = sum(document.get("_deleted", False) for document in database["docs"].values())
            return {"doc_count": len(database["docs"]) - deleted, "doc_del_count": deleted}
        if path[1] == "_security":
            if method == "PUT":
                database["security"] = body
            return database["security"]
        if path[1] == "_local":
            if method == "PUT":
                body["_rev"] = "0-1"
                database["local"][path[2]] = body
            return database["local"].get(path[2])
        if path[1] == "_bulk_docs":
            return [self.write(database["docs"], document) for document in body["docs"]]
        assert path[1] == "_all_docs"
        if method == "POST":
            return {"rows": [self.row(database["docs"], key) for key in body["keys"]]}
        start = json.loads(params.get("startkey", '""'))
        ids = sorted(key for key, document in database["docs"].items() if key >= start and not document.get("_deleted"))
        return {"rows": [{"id": key, "doc": database["docs"][key]} for key in ids[:int(params["limit"])]]}

    def write(self, documents, document):
        present = documents.get(document["_id"])
        rev = document.get("_rev")
        if present and not (present["_rev"] == rev or (present.get("_deleted") and rev is None)):
            return {"id": document["_id"], "error": "conflict", "reason": "Document update conflict."}
        number = int(present["_rev"].split("-")[0]) + 1 if present else 1
        documents[document["_id"]] = dict(document, _rev=f"{number}-x")
        self.writes += 1
        return {"ok": True, "id": document["_id"], "rev": f"{number}-x"}

    @staticmethod
    def row(documents, key):
        if key not in documents:
            return {"key": key, "error": "not_found"}
        value = {"rev": documents[key]["_rev"]}
        if documents[key].get("_deleted"):
            value["deleted"] = True
        return {"id": key, "key": key, "value": value}


@pytest.fixture
def couch():
    return MemoryCouch()


@pytest.fixture(scope="module")
def small():
    return generate(SIZE, "loader", TODAY)


def load(couch, **options):
    return Loader(couch, lambda text: None).load(**dict({"size": SIZE, "seed": "loader", "today": TODAY}, **options))


@pytest.fixture(scope="module")
def pickled():
    couch = MemoryCouch()
    load(couch)
    return pickle.dumps(couch.databases)


@pytest.fixture
def loaded(couch, pickled):
    """A CouchDB as `test_load` leaves it, without the time that takes."""
    couch.databases = pickle.loads(pickled)
    return couch


@functools.cache
def expected(instance, database):
    """As a load leaves them: the revisions of tombstones by id, and what remains by id."""
    edits = Counter(document["_id"] for number in (1, 2) for document in instance.edits(database, number))
    final = {document["_id"]: json.loads(encode(document)) for document in instance.final(database)}
    gone = {doc_id: f"{2 + edits[doc_id]}-x" for doc_id in instance.deletions(database)}
    return gone, {doc_id: {**document, "_rev": f"{1 + edits[doc_id]}-x"} for doc_id, document in final.items()}


def assert_loaded(couch, instance):
    for database in DATABASES:
        documents = couch.databases[database]["docs"]
        deleted, remaining = expected(instance, database)
        assert {doc_id: document["_rev"] for doc_id, document in documents.items() if document.get("_deleted")} == deleted
        assert {doc_id: document for doc_id, document in documents.items() if doc_id not in deleted} == remaining
        assert len(documents) == instance.count(database)


def test_load(couch, small):
    result = load(couch)
    assert (result.changed, result.documents) == (True, SIZE)
    assert_loaded(couch, small)
    for database in DATABASES:
        assert couch.databases[database]["security"] == SECURITY
        assert couch.databases[database]["local"]["cht-demo"]["state"] == "loaded"


def test_second_load_writes_nothing(loaded):
    before = loaded.writes
    result = load(loaded, today=date(2026, 12, 24), size=5000)
    assert (result.changed, result.documents, loaded.writes) == (False, 0, before)


class Slice:
    """A part of an instance, rendered once: 60 documents per database, among them the edited and deleted ones."""

    def __init__(self, instance):
        self.size, self.seed, self.today = instance.size, instance.seed, instance.today
        self.kept = {}
        for database in DATABASES:
            twice = [document["_id"] for document in instance.edits(database, 2)]
            once = [document["_id"] for document in instance.edits(database, 1)]
            others = [document["_id"] for document in instance.documents(database)]
            ids = set(list(dict.fromkeys(instance.deletions(database)[:5] + twice + once[:30] + others))[:60])
            self.kept[database] = {
                name: [document for document in documents if document["_id"] in ids] for name, documents in (
                    (0, instance.documents(database)), (1, instance.edits(database, 1)), (2, instance.edits(database, 2)),
                    ("final", instance.final(database)))}
            self.kept[database]["gone"] = [doc_id for doc_id in instance.deletions(database) if doc_id in ids]

    def documents(self, database):
        return self.kept[database][0]

    def edits(self, database, number):
        return self.kept[database][number]

    def deletions(self, database):
        return self.kept[database]["gone"]

    def final(self, database):
        return self.kept[database]["final"]

    def count(self, database):
        return len(self.kept[database][0])


def test_a_load_interrupted_anywhere_is_completed(small, monkeypatch):
    """Whatever request is lost, before, halfway or after it took effect, the next load ends in the same state."""
    part = Slice(small)
    assert part.edits("medic", 2) and part.deletions("medic")
    monkeypatch.setattr(loader_module, "generate", lambda *arguments: part)
    monkeypatch.setattr(loader_module, "BATCH_DOCUMENTS", 20)
    whole = MemoryCouch()
    load(whole)
    assert_loaded(whole, part)
    assert whole.requests > 40
    for number in range(1, whole.requests + 1):
        for kind in ("lose_at", "tear_at", "fail_at"):
            couch = MemoryCouch()
            setattr(couch, kind, number)
            with pytest.raises(CouchUnavailable):
                load(couch)
            load(couch)
            assert_loaded(couch, part)


def test_the_begun_load_decides_the_parameters(couch, small):
    couch.fail_at = 12
    with pytest.raises(CouchUnavailable):
        load(couch)
    load(couch, size=5000, seed="other", today=date(2027, 1, 1))
    assert_loaded(couch, small)


def test_a_deleted_database_alone_is_loaded_again(loaded, small):
    del loaded.databases["medic-sentinel"]
    assert load(loaded).documents == small.count("medic-sentinel")
    assert_loaded(loaded, small)


def test_a_load_begun_by_another_version_is_refused(couch):
    couch.fail_at = 12
    with pytest.raises(CouchUnavailable):
        load(couch)
    couch.databases["medic"]["local"]["cht-demo"]["generator"] = "0"
    with pytest.raises(CouchError, match="another version"):
        load(couch)


def test_somebody_elses_database_is_left_alone(couch):
    couch.databases["medic"] = {"docs": {"x": {"_id": "x", "_rev": "1-x"}}, "local": {}, "security": {}}
    with pytest.raises(CouchError, match="not the demo's"):
        load(couch)
    assert list(couch.databases) == ["medic"]
    assert couch.writes == 0


def test_a_refused_document_is_named(couch, monkeypatch):
    monkeypatch.setattr(couch, "write", lambda documents, document: {
        "id": document["_id"], "error": "forbidden", "reason": "no"})
    with pytest.raises(CouchError, match="refuses document .* of medic: forbidden"):
        load(couch)


def test_batches_are_bounded():
    documents = [{"_id": str(number), "text": "x" * 100_000} for number in range(100)]
    found = list(batches(documents))
    assert [document for batch in found for document in batch] == documents
    assert max(sum(len(encode(document)) for document in batch) for batch in found) <= loader_module.BATCH_BYTES
    assert max(map(len, batches({"_id": str(number)} for number in range(1200)))) == loader_module.BATCH_DOCUMENTS


def writer(couch, seed=1):
    return Writer(couch, threading.Event(), lambda text: None, random.Random(seed))


def test_writer_adds_reports_with_their_infos(loaded, small):
    before = {database: dict(loaded.databases[database]["docs"]) for database in DATABASES}
    begun = int(datetime.now(timezone.utc).timestamp() * 1000) - 1
    assert writer(loaded).run(0, 120) == 120
    medic = loaded.databases["medic"]["docs"]
    added = [document for doc_id, document in medic.items() if doc_id not in before["medic"]]
    reports = [document for document in added if document["type"] == "data_record"]
    assert len(reports) == 120
    assert len({report["form"] for report in reports}) >= 4
    for report in reports:
        assert report["reported_date"] >= begun
        patient = medic[report["fields"]["patient_uuid"]]
        area = medic[report["contact"]["parent"]["_id"]]
        assert area["contact"]["_id"] == report["contact"]["_id"]
        assert patient["parent"]["parent"]["_id"] == area["_id"]
        assert "date_of_death" not in patient and "muted" not in patient
        if report["form"] != "pregnancy":
            pregnancy = medic[report["fields"]["data"]["meta"]["__pregnancy_uuid"]]
            assert pregnancy["fields"]["patient_uuid"] == patient["_id"]
    sentinel = loaded.databases["medic-sentinel"]["docs"]
    assert {f"{document['_id']}-info" for document in added} == set(sentinel) - set(before["medic-sentinel"])


def test_writer_registers_nobody_twice(loaded, small):
    writer(loaded).run(0, 150)
    directory = read_directory(loaded.all_documents("medic", page=50), TODAY)
    women = [pregnancy.woman.id for pregnancy in directory.pregnancies]
    assert len(women) == len(set(women))
    assert not set(women) & {woman.id for woman in directory.women}


@pytest.mark.parametrize("kind", ["fail_at", "lose_at"])
@pytest.mark.parametrize("ahead", range(1, 12))
def test_writer_outlasts_an_outage(loaded, small, monkeypatch, kind, ahead):
    documents = len(loaded.databases["medic"]["docs"])
    setattr(loaded, kind, loaded.requests + ahead)
    busy = writer(loaded)
    monkeypatch.setattr(busy.stop, "wait", lambda seconds: None)
    assert busy.run(0, 5) == 5
    added = len(loaded.databases["medic"]["docs"]) - documents
    assert added >= 5
    assert len(loaded.databases["medic-sentinel"]["docs"]) == small.count("medic-sentinel") + added


def test_writer_stops_when_told(loaded, small):
    busy = writer(loaded)
    monitor = threading.Timer(0.3, busy.stop.set)
    monitor.start()
    assert 1 <= busy.run(30, 0) <= 2


def test_writer_needs_data(couch):
    couch.databases["medic"] = {"docs": {}, "local": {}, "security": {}}
    with pytest.raises(CouchError, match="load the demo data first"):
        writer(couch).run(0, 1)


@pytest.fixture
def server():
    """A server that answers everything with `code` and `body`."""

    class Server(Peer):
        code, body = 200, b"{}"

        def answer(self, request):
            return Reply(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%b" % (self.code, len(self.body), self.body))

    with Server() as peer:
        yield peer


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text("s3cret-ü\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("code, text", [(401, "--password-file"), (403, "administrator"), (500, "see its log"), (302, "with 302"),
                                        (404, "")])
def test_refusals_end_with_a_message(server, password_file, capsys, code, text):
    server.code = code
    if code == 404:
        server.code, server.body, text = 200, b"<html>", "not JSON"
    assert main(["load", "--url", server.url, "--username", "admin", "--password-file", password_file]) == 1
    output = capsys.readouterr()
    assert text in output.err
    assert output.err.startswith("cht_demo: ") and "Traceback" not in output.err
    assert "s3cret" not in output.err + output.out


def test_unreachable(password_file, capsys):
    assert main(["load", "--url", "http://127.0.0.1:9", "--username", "admin", "--password-file", password_file]) == 1
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, text", [
    (["--url", "http://u:hidden@127.0.0.1:9"], "must not hold"), (["--url", "ftp://u:hidden@127.0.0.1"], "not an http(s) address"),
    (["--url", "127.0.0.1:5984"], "not an http(s) address"),
    (["--url", "http://127.0.0.1:9", "--password-file", "/does/not/exist"], "cannot be read")])
def test_wrong_options(password_file, capsys, arguments, text):
    assert main(["load", "--username", "admin", "--password-file", password_file, *arguments]) == 1
    error = capsys.readouterr().err
    assert text in error
    assert "hidden" not in error


def test_empty_password(tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.write_text("\n")
    assert main(["load", "--url", "http://127.0.0.1:9", "--username", "a", "--password-file", str(empty)]) == 1
    assert "is empty" in capsys.readouterr().err


def test_last_line_of_load_is_for_machines(couch, password_file, capsys, monkeypatch):
    monkeypatch.setattr("cht_demo.cli.Couch", lambda *arguments: couch)
    command = ["load", "--url", "http://x", "--username", "a", "--password-file", password_file, "--size", "2000",
               "--today", "2026-11-24"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "changed=true documents=2000"
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["already loaded", "changed=false documents=0"]


def test_summary(capsys):
    assert main(["summary", "--size", "2000", "--today", "2026-11-24"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["documents"] == 2000
    assert set(summary["databases"]) == set(DATABASES)
    assert summary["databases"]["medic"]["types"]["data_record:pregnancy"] > 5


def test_summary_of_too_small_an_instance(capsys):
    assert main(["summary", "--size", "10"]) == 1
    assert "at least 2000" in capsys.readouterr().err
