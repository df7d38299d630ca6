# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated instance: the same for the same arguments, within its span, of realistic sizes."""

import hashlib
import os
import re
import statistics
import subprocess
import sys
from datetime import date, datetime, timezone
from pathlib import Path

import cht_demo
import pytest
from cht_demo import DATABASES, encode, generate
from cht_demo.instance import EDIT_ROUNDS
from cht_demo.timeline import epoch_ms, midnight, span_ending

FILES = Path(cht_demo.__file__).resolve().parents[1]

DIGEST = (
    "import hashlib, sys; from datetime import date; from cht_demo import DATABASES, encode, generate; "
    "digest = hashlib.sha256(); i = generate(2000, 'x', date(2026, 3, 1)); "
    "[digest.update(encode(d)) for db in DATABASES for d in list(i.documents(db)) + list(i.final(db))]; "
    "print(digest.hexdigest())")


# Of what DIGEST prints. The same on Python 3.9, 3.11 and 3.13. When the documents change on purpose, renew it
# and raise GENERATOR_VERSION once the collection was released.
KNOWN_DIGEST = "ff2799c6d10b2bbac52b64b1721da1078847e6206442bf2547e7f04cb6458f19"


def digest_of(instance, encoded=None):
    """Of all that it renders; of first revisions rendered before, where they are given."""
    digest = hashlib.sha256()
    for database in DATABASES:
        for document in encoded[database] if encoded else map(encode, instance.documents(database)):
            digest.update(document)
        for number in range(1, EDIT_ROUNDS + 1):
            for document in instance.edits(database, number):
                digest.update(encode(document))
        digest.update(",".join(instance.deletions(database)).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def known():
    """Of one choice of arguments."""
    return digest_of(generate(2000, "a", date(2026, 3, 1)))


def test_same_arguments_give_the_same_bytes(known):
    assert digest_of(generate(2000, "a", date(2026, 3, 1))) == known


def test_rendering_twice_gives_the_same_bytes(made):
    assert digest_of(made.instance) == digest_of(made.instance, made.encoded)


def test_other_processes_give_the_same_bytes():
    """No set or hash order gets in: it differs between processes."""
    found = {
        subprocess.run([sys.executable, "-c", DIGEST], check=True, capture_output=True, text=True,
                       env=dict(os.environ, PYTHONPATH=str(FILES), PYTHONHASHSEED=seed)).stdout
        for seed in ("1", "2")}
    assert found == {KNOWN_DIGEST + "\n"}


@pytest.mark.parametrize("other", [(2500, "a", date(2026, 3, 1)), (2000, "b", date(2026, 3, 1)), (2000, "a", date(2026, 3, 2))])
def test_each_argument_matters(known, other):
    assert digest_of(generate(*other)) != known


@pytest.mark.parametrize("size, seed", [(2000, "cht-demo"), (2000, "7"), (5000, "7"), (20000, "7"), (50000, "cht-demo")])
def test_size_is_kept(size, seed):
    instance = generate(size, seed, date(2026, 2, 28))
    assert sum(instance.count(database) for database in DATABASES) == pytest.approx(size, rel=0.05)


@pytest.mark.parametrize("today", [date(2024, 2, 29), date(2026, 1, 1), date(2027, 12, 31)])
def test_any_day_can_be_today(today):
    instance = generate(2000, "calendar", today)
    assert sum(1 for database in DATABASES for _ in instance.final(database)) > 1900


def test_too_small_an_instance_is_refused():
    with pytest.raises(ValueError, match="at least 2000"):
        generate(100, "a", date(2026, 3, 1))


def test_default_size_takes_seconds(made):
    assert sum(map(len, (document for documents in made.encoded.values() for document in documents))) > 20_000_000
    assert made.seconds < 10


def moments(document):
    """All moments of a document that tell when something was done, in epoch milliseconds."""
    found = [document[name] for name in ("reported_date", "authoredOn", "updated_date", "latest_replication_date", "verified_date")
             if name in document]
    if isinstance(document.get("initial_replication_date"), int):
        found.append(document["initial_replication_date"])
    found += [entry["timestamp"] for entry in document.get("stateHistory", [])]
    if document.get("type") == "feedback":
        found.append(epoch_ms(datetime.fromisoformat(document["meta"]["time"].replace("Z", "+00:00"))))
    if isinstance(document.get("initial_replication_date"), str) and document["initial_replication_date"] != "unknown":
        found.append(epoch_ms(datetime.fromisoformat(document["initial_replication_date"].replace("Z", "+00:00"))))
    return found


def test_everything_lies_in_the_span(instance, final, today):
    span = span_ending(today)
    first, end = epoch_ms(span.start), epoch_ms(span.end)
    seen = []
    for documents in final.values():
        for document in documents.values():
            for moment in moments(document):
                assert first <= moment < end, document["_id"]
                seen.append(moment)
    assert min(seen) < first + 86_400_000
    assert max(seen) > end - 3 * 86_400_000


def test_births_and_deaths_are_not_in_the_future(medic, today):
    for document in medic.values():
        if document.get("type") == "person":
            born = date.fromisoformat(document["date_of_birth"])
            assert born < today
            if "date_of_death" in document:
                assert born <= date.fromisoformat(document["date_of_death"]) < today


def test_weekdays_are_busier_than_weekends(reports):
    days = [datetime.fromtimestamp(document["reported_date"] / 1000, tz=timezone.utc).weekday()
            for documents in reports.values() for document in documents]
    weekend = sum(day >= 5 for day in days) / 2
    assert weekend < 0.8 * sum(day < 5 for day in days) / 5


SIZES = {  # bytes on average, from the facts on CHT's documents
    "person": (700, 1100), "clinic": (450, 750), "pregnancy": (8000, 10000), "pregnancy_home_visit": (9000, 11000),
    "delivery": (7000, 9000), "death_report": (1800, 2800), "task": (900, 1300), "target": (700, 1300), "info": (200, 350),
    "telemetry": (3000, 7000), "feedback": (500, 100000)}


def test_sizes_are_realistic(made):
    sizes = {}
    for database in DATABASES:
        for document, data in zip(made.documents[database], made.encoded[database]):
            sizes.setdefault(document.get("form") or document.get("type"), []).append(len(data))
    for kind, (least, most) in SIZES.items():
        assert least <= statistics.mean(sizes[kind]) <= most, kind


def holds_nul(value):
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(holds_nul(member) for member in value.values())
    return isinstance(value, list) and any(holds_nul(member) for member in value)


def with_nul(documents, encoded):
    # Quicker than to look into all: its bytes hold this, and perhaps those of others that spell it out.
    return [document for document, data in zip(documents, encoded) if b"\\u0000" in data and holds_nul(document)]


def test_exactly_one_document_holds_a_nul(made, final, encoded_final):
    remain = [document for database in DATABASES for document in with_nul(final[database].values(), encoded_final[database].values())]
    assert [document["_id"] for document in remain] == [
        document["_id"] for database in DATABASES for document in with_nul(made.documents[database], made.encoded[database])]
    assert len(remain) == 1


def test_no_document_has_members_couchdb_would_refuse(final, encoded_final):
    for database, documents in final.items():
        for doc_id, document in documents.items():
            assert [name for name in document if name.startswith("_")] == ["_id"]
            encoded_final[database][doc_id].decode("utf-8")


def test_names_use_several_scripts(medic):
    text = "".join(document["name"] for document in medic.values() if document.get("type") == "person")
    for low, high in ((0x0900, 0x097F), (0x0600, 0x06FF), (0x1200, 0x137F), (0x0980, 0x09FF), (0x1000, 0x109F)):
        assert any(low <= ord(character) <= high for character in text)


def test_ids_are_unique(made):
    for database in DATABASES:
        ids = [document["_id"] for document in made.documents[database]]
        assert len(ids) == len(set(ids))


def test_edits_and_deletions(made):
    """Revisions 2- and 3-, and tombstones, in the databases where CHT makes them."""
    instance = made.instance
    for database in ("medic", "medic-sentinel"):
        known = {document["_id"]: document for document in made.documents[database]}
        edited = list(instance.edits(database, 1))
        assert len(edited) > 100
        for document in edited:
            assert document != known[document["_id"]]
        assert len(instance.deletions(database)) >= 9
        assert set(instance.deletions(database)) <= set(known)
    assert len(list(instance.edits("medic", 2))) >= 1
    assert len(instance.deletions("medic-users-meta")) == 1
    gone = set(instance.deletions("medic"))
    kinds = {document.get("type") for document in made.documents["medic"] if document["_id"] in gone}
    assert kinds == {"data_record", "person", "clinic"}


def test_nothing_refers_to_a_deleted_document(instance, encoded_final):
    gone = set(instance.deletions("medic"))
    for documents in encoded_final.values():
        for doc_id, document in documents.items():
            assert gone.isdisjoint(re.findall(r"[0-9a-f-]{36}", document.decode("utf-8"))), doc_id


def test_every_database_has_a_design_document(final):
    for documents in final.values():
        assert any(doc_id.startswith("_design/") for doc_id in documents)


def test_midnight_is_utc():
    assert midnight(date(2026, 3, 1)).isoformat() == "2026-03-01T00:00:00+00:00"
