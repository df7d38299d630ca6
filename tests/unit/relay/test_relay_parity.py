# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the comparison that need no warehouse: ids, samples, patience, the role's files."""

from bisect import bisect_left
from io import BytesIO
from random import Random

import pytest
import yaml
from cht_front import Authority
from hypothesis import given
from hypothesis import strategies as st
from engine_peers import HANG_UP, PASSWORD, SECRET, Reply
from engine_recordings import recording
from playing import play
from relay_harness import ROLES

from cht_engine import settings
from cht_engine.errors import Refused, Transient
from cht_engine.postgrest import PostgREST
from cht_engine.tokens import Tokens
from cht_relay import comparison, names, parity_config, parity_peers, patience
from cht_relay.listing import Listing
from cht_relay.repair import Repair
from cht_relay.sample import sample
from cht_engine.sizing import PageSize


class Documents:
    """What Listing asks of CouchDB, in memory. ``lists``: places that were asked for."""

    def __init__(self, ids):
        self.rows = [(id_, "1-a") for id_ in ids]
        self.lists = []

    def ids(self, first, limit):
        self.lists.append(first)
        ids = [id_ for id_, _rev in self.rows]
        start = ids.index(first) if first in ids else 0 if first == "" else len(ids)
        return self.rows[start : start + limit]

    def states(self, ids):
        return {id_: ("1-a", False) for id_ in ids if (id_, "1-a") in self.rows}


def plainly(work):
    return work()


@given(st.sets(st.text(min_size=1)), st.integers(min_value=2, max_value=5))
def test_each_document_is_listed_once_whatever_the_page(ids, page):
    ids = sorted(ids, key=lambda id_: id_.encode("utf-8", "surrogatepass"))
    listing = Listing(Documents(ids), plainly, page)
    assert list(listing.rows()) == [(id_, "1-a") for id_ in ids]


def test_a_server_without_an_order_is_no_endless_loop():
    documents = Documents([f"d{number}" for number in range(9)])
    documents.ids = lambda first, limit: documents.rows[:limit]
    with pytest.raises(Refused, match="in no order"):
        list(Listing(documents, plainly, 3).rows())


@pytest.mark.parametrize(
    "id_, stored, kept_apart",
    [
        ("plain\\u0000", "plain\\u0000", "plain\\u0000"),
        ("\0", "", r'"\u0000"'),
        ("a\0\nü\\", "a\nü\\", r'"a\u0000\nü\\"'),
        ("\ud83d\0\ude00", "😀", r'"\ud83d\u0000\ude00"'),
        ("\ude00\ud83d", "\ufffd\ufffd", r'"\ude00\ud83d"'),
    ],
)
def test_the_names_of_an_id_in_the_warehouse(id_, stored, kept_apart):
    assert (names.stored(id_), names.kept_apart(id_)) == (stored, kept_apart)
    assert names.original(stored, kept_apart if stored != id_ else None) == id_


def test_a_sample_reaches_ids_of_every_shape():
    random = Random(7)
    uuids = [f"{random.getrandbits(128):032x}" for _ in range(20000)]
    tasks = [f"task~org.couchdb.user:chw{number:04}~2026" for number in range(20000)]
    found = sampled([*uuids, *tasks], 2000)
    assert len(found) == len(set(found)) and 1900 <= len(found) <= 2100
    users = {id_[22:27] for id_ in found if id_.startswith("task")}
    assert len(users) > 3 and len({id_[0] for id_ in found}) > 6
    months = {id_[:16] for id_ in sampled([f"telemetry-2026-{n % 9}-chw{n}" for n in range(9000)], 2000)}
    assert len(months) > 3
    assert sampled([], 10) == []


def sampled(ids, count):
    ids = sorted(ids)

    def some(first, limit):
        start = bisect_left(ids, first)
        return ids[start : start + limit]

    return list(sample(count, [some], Random(7)))


def test_what_passes_is_tried_again_but_not_for_ever(monkeypatch):
    slept = []
    monkeypatch.setattr(patience.time, "sleep", slept.append)
    problems = [Transient("x")] * 3

    def work():
        if problems:
            raise problems.pop()
        return 7

    assert patience.patiently(work) == 7 and len(slept) == 3
    del slept[:]

    def never():
        raise Transient("down", retry_after=20.0)

    with pytest.raises(Transient, match="down"):
        patience.patiently(never)
    assert 80 < sum(slept) <= patience.LONGEST
    with pytest.raises(Refused):
        patience.patiently(lambda: (_ for _ in ()).throw(Refused("no")))


class Empty:
    """A warehouse without a row."""

    def rows(self):
        return iter(())

    def states(self, ids):
        return {}

    def kept_apart(self, ids):
        return {id_: "x" for id_ in ids if id_.startswith("apart")}


def test_too_many_differences_are_not_told_one_by_one(monkeypatch):
    monkeypatch.setattr(comparison, "MOST", 150)
    ids = [f"d{number:03}" for number in range(1000)]
    documents = Documents(ids)
    compared = comparison.Comparison("a/medic", Listing(documents, plainly), Empty(), ())
    with pytest.raises(Refused, match="more than 150 documents of a/medic differ.*resync.yml -e resync_source=a/medic"):
        compared.differences(0, None)
    kept_apart = Documents([f"apart{number:03}" for number in range(1000)])
    compared = comparison.Comparison("a/medic", Listing(kept_apart, plainly), Empty(), ())
    assert compared.differences(0, None) == {} and len(compared.apart) == 150
    few = comparison.Comparison("a/medic", Listing(Documents(ids[:150]), plainly), Empty(), ())
    assert len(few.differences(0, None)) == 150


@pytest.fixture
def repair(postgrest):
    """A repair of documents that CouchDB gives as they were recorded."""
    documents = Documents([])
    documents.changes_of = lambda ids, most_bytes: recording("052").body
    target = PostgREST(postgrest.url, "localhost/medic", "relay", Tokens(SECRET, 1), None, 5)
    return Repair(Listing(documents, plainly), target, PageSize(100, 1 << 20, 1 << 20), 2)


def test_a_repair_writes_past_the_feed(repair, postgrest):
    postgrest.seq, postgrest.identity = "7-x", "123"
    repair.fetch(["edge-nul", "edge-bigint"])
    repair.flag(["v1", "v2", "v3"])
    assert (postgrest.seq, postgrest.identity) == ("7-x", "123")
    assert len(postgrest.asked("claim")) == 1
    assert [(h["last_seq"], h["pending"], h["rows"]) for h in postgrest.headers] == [(None, None, 2)] * 2 + [(None, None, 1)]
    assert postgrest.documents["v3"] == {"_id": "v3", "_deleted": True}
    assert b"123456789012345678901234567890123456789012345678901234567890" in postgrest.raw_rows[0]


def test_a_call_without_an_answer_is_made_again_under_another_lease(repair, postgrest):
    """The first one may be running still, and must not write after the second."""
    postgrest.fail("ingest", HANG_UP)
    repair.flag(["v1"])
    assert len(postgrest.asked("claim")) == 2 and "v1" in postgrest.documents


def test_calls_that_are_too_large_are_halved(repair, postgrest):
    postgrest.most_rows = 1
    repair.fetch(["edge-nul", "edge-bigint"])
    assert len(postgrest.documents) == 2


def test_an_answer_that_stalls_half_way_is_asked_for_again(couchdb, tmp_path, monkeypatch):
    monkeypatch.setattr(parity_peers, "STALLED", 0.3)
    monkeypatch.setattr(parity_peers, "Warehouse", lambda *_: BytesIO())  # not asked for anything
    for name in ("password", "monitor"):
        (tmp_path / name).write_text(PASSWORD)
    couchdb.fail("_all_docs", Reply(recording("025").wire[:-20]), Reply(recording("025").wire))
    postgresql = {f"postgresql_{key}": "x" for key in ("host", "port", "database", "user")}
    passwords = {f"{key}_password_file": str(tmp_path / name) for key, name in (("couchdb", "password"), ("postgresql", "monitor"))}
    config = parity_config.ParityConfig("a/medic", couchdb.url, "medic", "analytics", **passwords, **postgresql)
    with parity_peers.Peers(config, None, str(tmp_path)).compared() as (listing, _warehouse):
        assert len(listing.some("", 3)) == 3
    assert len(couchdb.asked("_all_docs")) == 2


ENGINES = ["relay", "logstash"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """By engine, the directory of what the role's template becomes, rendered by Ansible itself."""
    role, directory = ROLES / "relay", tmp_path_factory.mktemp("parity")
    ca_file = Authority(directory, "own").ca_file
    both = [yaml.safe_load((role / name).read_text()) for name in ("defaults/main.yml", "vars/main.yml")]
    source = {"name": "north", "url": "https://n.example.org", "username": 'a"b\\ü', "password": "p", "databases": ["medic"], "ca_file": ca_file}
    inventory = {
        "cht_sync_postgresql_host": "db.example.org",
        "cht_sync_database": "cht_sync",
        "postgrest_db_ssl_mode": "verify-full",
        "postgrest_db_ca_cert": ca_file,
        "cht_sync_sources": [source],
    }
    for engine in ENGINES:
        (directory / engine).mkdir()
    template = {"src": f"{role}/templates/parity.json.j2", "dest": f"{directory}/{{{{ inventory_hostname }}}}/{{{{ item.unit }}}}.json"}
    task = {"template": template, "loop": "{{ __relay_feeds }}"}
    done = play(directory, {engine: {**both[0], **both[1], **inventory, "cht_sync_engine": engine} for engine in ENGINES}, [task])
    assert done.returncode == 0, done.stdout
    return directory


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_role_writes_can_be_read(written, engine):
    (config,) = parity_config.load(str(written / engine), ["n.example.org/medic"])
    assert config.couchdb_username == 'a"b\\ü' and config.couchdb_password_file == f"/etc/cht-sync/{engine}/north.password"
    assert config.couchdb_ca_file == f"/etc/cht-sync/{engine}/authorities/north.crt"
    assert (config.postgresql_host, config.postgresql_port, config.postgresql_user) == ("db.example.org", 5432, "monitor")
    assert (config.postgresql_ssl_mode, config.postgresql_ca_file) == ("verify-full", "/etc/cht-sync/parity/postgresql.crt")
    assert config.relay_config == ("/etc/cht-sync/relay/north.medic.json" if engine == "relay" else None)


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(settings.ConfigError, match="no source is there: run site.yml"):
        parity_config.load(str(tmp_path), [])
    (tmp_path / "x.json").write_text('{"source": "a/medic"}')
    with pytest.raises(settings.ConfigError, match="x.json: key couchdb_url: missing"):
        parity_config.load(str(tmp_path), [])
