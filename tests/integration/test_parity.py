# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between CouchDB and the warehouse is told, all of it and nothing else; and is cured."""

import signal
import threading

import pytest
from calls import Source, page
from cht_front import CHT, Authority
from expected import holds, table
from parity_harness import differ, rev
from servers import wait_until

pytestmark = pytest.mark.once

UNIT = "cht-sync-relay@a.medic.service"


def test_nothing_differs(parity, copied):
    said = parity.run()
    assert (said.code, said.err) == (0, "")
    assert said.out == ["a/medic: nothing differs (10 documents in CouchDB, 10 in PostgreSQL)"]


def test_each_difference_is_told_by_its_kind(parity, copied, couch, cursor):
    expected = differ(couch, cursor)
    said = parity.run("a/medic")
    assert said.code == 4 and said.found == expected
    counted = "1 missing, 1 outdated, 1 undeleted, 1 deleted, 1 vanished (8 documents in CouchDB, 8 in PostgreSQL)"
    assert said.summary == [f"a/medic: {counted}", "a/medic: --repair fetches and flags what differs"]
    assert parity.told == []


def test_a_repair_cures_all_and_the_next_finds_nothing(parity, copied, couch, source, cursor):
    differ(couch, cursor)
    at = source.progress()
    untouched = source.stored("doc-5")
    said = parity.run("--repair")
    assert said.code == 0 and said.summary[-1] == "a/medic: 5 of 5 cured"
    assert parity.told == [f"stop {UNIT}", f"start {UNIT}"] and parity.unit() == "active"
    rows = table(cursor)
    live = [change for change in couch.changes(None) if not change.id.startswith("_design/")]
    assert all(holds(rows[change.id], change) for change in live)
    assert source.stored("doc-3") == (None, True, {"_id": "doc-3", "_deleted": True})
    assert source.progress() == at and source.stored("doc-5") == untouched
    again = parity.run("--repair")
    assert again.code == 0 and "nothing differs" in again.summary[0] and len(parity.told) == 2
    cursor.execute("SELECT count(*) - count(DISTINCT saved_timestamp) FROM v1.couchdb")
    assert cursor.fetchone() == (0,)


def test_a_relay_that_was_stopped_stays_stopped(parity, copied, couch, cursor):
    differ(couch, cursor)
    parity.unit("inactive")
    assert parity.run("--repair").code == 0
    assert parity.unit() == "inactive" and f"start {UNIT}" not in parity.told


def test_the_feed_goes_on_after_a_repair(parity, copied, couch, source):
    """The repair ended the lease of the relay; the next claim goes on where it was."""
    couch.purge("doc-3")
    parity.run("--repair")
    source.refuses(page(), 409, "lease")
    assert source.claim("1700000000") == "7-x"
    couch.put("doc-3", {"n": 9})  # and what was flagged may come back
    copied()
    assert parity.run().code == 0


def test_a_document_of_another_source_is_a_collision(parity, copied, couch, postgrest, cursor):
    Source(postgrest, cursor, "b/medic").lands(page('{"seq":null,"id":"settings","changes":[],"doc":{"_id":"settings","_rev":"1-b"}}'))
    couch.put("settings", {})
    copied()
    said = parity.run()
    assert said.code == 0 and said.found == [f"collision settings couchdb={rev(couch, 'settings')} postgresql=1-b (b/medic)"]
    assert "nothing differs" in said.summary[0] and said.summary[0].endswith("; kept apart: 1 collision")


def test_what_is_in_quarantine_is_not_lost(parity, copied, couch, cursor):
    couch.put("poison", {"name": "Amina"}, poison=True)
    said = parity.run()
    assert said.code == 4 and said.found[0].startswith("missing poison ")
    copied()
    said = parity.run()
    assert said.code == 0 and said.found == [f"quarantined poison couchdb={rev(couch, 'poison')} postgresql=none (refused by jsonb: 22003)"]
    couch.put("poison", {"name": "Amina"})
    copied()
    cursor.execute("DELETE FROM v1.couchdb WHERE _id = 'poison'")
    assert parity.run().found[0].startswith("missing poison "), "the entry is closed"


def test_what_a_repair_brings_into_quarantine_is_not_called_cured(parity, copied, couch):
    couch.put("poison", {"name": "Amina"}, poison=True)
    couch.purge("doc-1")
    said = parity.run("--repair")
    assert said.code == 0 and said.summary[-1] == "a/medic: 1 of 2 cured, 1 quarantined"
    assert "Amina" not in "".join(said.out) + said.err


def test_what_is_skipped_is_left_out_on_both_sides(parity, copied, server, couch):
    couch.put("task~1", {})
    couch.purge("doc-9")
    assert len(parity.run().found) == 2
    parity.add(server.url, skip_id_prefixes=["task~", "doc-9"])
    said = parity.run()
    assert said.code == 0 and said.out == ["a/medic: nothing differs (9 documents in CouchDB, 9 in PostgreSQL)"]


def test_ids_of_any_kind_in_any_order(parity, server, couch, copied):
    """Also those that PostgreSQL holds without a NUL or half of a surrogate pair."""
    ids = ["a b", "ü", "Z", "x😀", "x\uffff", "nul\0nul", "half\ud800", 'quo"te\\', "line\nbreak", "%s", "task~org.couchdb.user:a"]
    for id_ in ids:
        couch.put(id_, {})
    copied()
    server.order = lambda id_: id_.lower()[::-1]
    assert parity.run().out == ["a/medic: nothing differs (21 documents in CouchDB, 21 in PostgreSQL)"]
    for id_ in ids:
        couch.put(id_, {"n": 2})
    assert len(parity.run("--repair").found) == len(ids)
    assert parity.run().code == 0


def test_ids_that_are_stored_alike_are_told_apart(parity, copied, couch, source, cursor):
    couch.put("tw\0in", {})
    couch.put("twin", {})
    copied()
    apart = f"quarantined twin couchdb={rev(couch, 'twin')} postgresql=none (id_collision)"
    said = parity.run()
    assert (said.code, said.found) == (0, [apart]) and said.summary[0].endswith("; kept apart: 1 quarantined")
    cursor.execute("DELETE FROM v1.quarantine")  # as an earlier release did not keep it
    couch.put("tw\0in", {"n": 2})
    said = parity.run("--repair")
    assert said.code == 0 and said.summary[-1] == "a/medic: 1 of 2 cured, 1 quarantined", said.found
    assert said.found[0].startswith("missing twin ") and said.found[1].startswith('outdated "tw\\u0000in" couchdb=2-')
    couch.purge("tw\0in")
    said = parity.run("--repair")
    assert said.code == 0 and said.found[0].startswith('vanished "tw\\u0000in" couchdb=none postgresql=2-')
    assert source.stored("twin")[1] is True and parity.run().found == [apart]


def test_more_documents_than_a_page_holds(parity, copied, couch, cursor):
    for number in range(4500):
        couch.put(f"many-{number}", {})
    copied()
    assert parity.run().out == ["a/medic: nothing differs (4510 documents in CouchDB, 4510 in PostgreSQL)"]
    cursor.execute("DELETE FROM v1.couchdb WHERE _id LIKE 'many-%%7'")
    said = parity.run("--repair")
    assert said.code == 0 and said.summary[-1] == "a/medic: 450 of 450 cured"
    assert parity.run().code == 0


def test_what_changes_meanwhile_is_no_difference(parity, server, couch, copied):
    """Documents are written, deleted and, a little later, copied at every step of a comparison."""
    number = 0

    def before(kind):
        nonlocal number
        copied()
        number += 1
        couch.put("doc-1", {"n": number})
        couch.put(f"new-{number}", {})
        couch.put(f"new-{number - 1}", {}, deleted=True)

    server.before = before
    said = parity.run()
    assert (said.code, said.found) == (0, []) and number > 2


def test_what_is_copied_while_it_waits_is_no_difference(parity, server, couch, copied):
    couch.put("late", {})
    asked = []

    def before(kind):
        asked.append(kind)
        if asked.count("states") == 2:
            copied(["late"])

    server.before = before
    said = parity.run()
    assert (said.code, said.found) == (0, []) and asked == ["list", "states", "states"]


def test_a_source_that_is_behind_says_so(parity, couch, source):
    said = parity.run()
    assert said.code == 4 and said.summary[0] == "a/medic: note: it is about to be read from the start"
    source.lands(page(last_seq="1-x", pending=12))
    assert parity.run().summary[0] == "a/medic: note: 12 changes are still to come"


def test_more_vanished_documents_than_allowed_are_left_alone(parity, copied, couch, source, cursor):
    """A wrong or half restored database must not empty the warehouse, nor fill it."""
    for number in range(5):
        couch.purge(f"doc-{number}")
    couch.put("doc-9", {"of": "another database"})
    before = source.state()
    said = parity.run("--repair", "--most-vanished", "4")
    assert said.code == 1 and len(said.found) == 6
    assert "5 documents vanished, more than --most-vanished 4: nothing was repaired" in said.err
    assert "--repair --most-vanished 5" in said.err and said.err.count("\n") == 1
    assert source.state() == before and parity.told == []
    (parity.directory / f"run/{UNIT}.stopped").touch()  # as after a repair that was killed
    assert parity.run("--repair", "--most-vanished", "4").code == 1
    assert source.state()[0] == before[0] and parity.told == [f"stop {UNIT}", f"start {UNIT}"]
    assert parity.run("--repair", "--most-vanished", "5").code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_repair_that_is_ended_in_the_middle(parity, server, couch, copied, cursor, number):
    """Half of it is written: right, and no harm. A signal starts the relay again; after a kill the next run does."""
    parity.add(server.url, page_rows=1, page_bytes=1, max_document_bytes=100000)  # a document a call
    for document in range(4):
        couch.put(f"doc-{document}", {"n": 2})
    arrived, go_on = threading.Event(), threading.Event()

    def before(kind):
        if server.asked[-1] == ("documents", ["doc-2"]):
            arrived.set()
            go_on.wait(30)

    server.before = before
    process = parity.start("--repair")
    assert arrived.wait(30)
    process.send_signal(number)
    _out, err = process.communicate(timeout=30)
    go_on.set()
    killed = number == signal.SIGKILL
    assert process.returncode == (-9 if killed else 1)
    assert parity.unit() == ("inactive" if killed else "active"), err
    cursor.execute("SELECT count(*) FROM v1.couchdb WHERE doc ->> 'n' = '2'")
    assert cursor.fetchone() == (2,)
    said = parity.run()
    assert ("its relay does not run" in said.summary[0]) == killed
    assert parity.run("--repair").code == 0
    assert parity.unit() == "active" and parity.run().code == 0


@pytest.mark.parametrize("table", ["couchdb", "couchdb_progress"])
def test_it_ends_at_once_while_postgresql_is_at_work(parity, server, copied, postgresql, table):
    parity.add(server.url, "b/medic")
    other = postgresql.connect()
    other.autocommit = False
    with other.cursor() as blocker:
        blocker.execute(f"LOCK TABLE v1.{table}")
        process = parity.start()
        wait_until(
            lambda: postgresql.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == [(1,)], 30, "waiting"
        )
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=10)
    other.close()
    assert process.returncode == 1 and err == "ERROR stopped before the end\n"


def test_a_relay_that_a_killed_repair_left_is_started_even_if_nothing_differs(parity, copied):
    parity.unit("inactive")
    (parity.directory / "run").mkdir()
    (parity.directory / f"run/{UNIT}.stopped").touch()
    said = parity.run("--repair")
    assert said.code == 0 and parity.unit() == "active" and "cured" not in "".join(said.out)


def test_the_relay_runs_again_after_a_repair_that_fails(parity, copied, couch, source, cursor):
    couch.purge("doc-1")
    cursor.execute("UPDATE v1.source SET engine = 'logstash' WHERE source = 'a/medic'")
    try:
        said = parity.run("--repair")
    finally:
        cursor.execute("UPDATE v1.source SET engine = 'relay' WHERE source = 'a/medic'")
    assert said.code == 1 and "another process took the source" in said.err and "to logstash" in said.err
    assert parity.told == [f"stop {UNIT}", f"start {UNIT}"]
    assert source.stored("doc-1")[1] is False


def test_postgrest_may_be_away_for_a_moment(parity, server, couch, copied, postgrest):
    couch.put("doc-1", {"n": 2})
    back = threading.Timer(1.0, postgrest.start)

    def before(kind):
        if kind == "documents":
            server.before = lambda kind: None
            postgrest.kill()
            back.start()

    server.before = before
    said = parity.run("--repair")
    back.join()
    assert said.code == 0 and "no answer of PostgREST" in said.err and said.summary[-1] == "a/medic: 1 of 1 cured"


def test_large_documents_are_fetched_a_few_at_a_time(parity, server, couch, copied):
    parity.add(server.url, page_bytes=100_000, max_document_bytes=1_000_000)
    for number in range(20):
        couch.put(f"large-{number:02}", {"filler": "x" * (300_000 if number == 7 else 40_000)})
    said = parity.run("--repair")
    assert said.code == 0 and said.summary[-1] == "a/medic: 20 of 20 cured"
    asked = [ids for kind, ids in server.asked if kind == "documents"]
    assert max(len(ids) for ids in asked[3:]) < 8


def test_a_document_that_is_too_large_is_named(parity, server, couch, copied):
    parity.add(server.url, page_bytes=10_000, max_document_bytes=20_000)
    couch.put("large", {"filler": "x" * 40_000})
    said = parity.run("--repair")
    assert said.code == 1 and 'document "large" is larger than relay_max_document_bytes (20000)' in said.err
    assert parity.unit() == "active"


def test_a_sample_says_that_it_is_one(parity, copied, couch, cursor):
    for number in range(300):
        couch.put(f"{number * 7919 % 4096:03x}-uuid", {})
        couch.put(f"task~org.couchdb.user:chw{number:03}", {})
    copied()
    said = parity.run("--sample", "200")
    assert said.code == 0 and "nothing differs (of a sample of " in said.summary[0] and "says nothing of others" in said.summary[0]
    cursor.execute("UPDATE v1.couchdb SET _rev = '0-old'")
    said = parity.run("--sample", "50")
    # less than 50 and then a run of 50 of each side; one of them may be a design document
    assert said.code == 4 and 49 <= len(said.found) < 150 and not any("_design" in line for line in said.found)


def test_a_logstash_site_only_reports(parity, server, couch, copied, source):
    parity.add(server.url, engine="logstash")
    couch.put("doc-1", {"n": 2})
    couch.purge("doc-2")
    before = source.state()
    said = parity.run()
    assert said.code == 4 and len(said.found) == 2
    assert "playbooks/resync.yml fetches what is missing" in said.summary[1] and "set cht_sync_engine to relay" in said.summary[1]
    said = parity.run("--repair")
    assert said.code == 1 and "on a Logstash site parity only reports" in said.err
    assert source.state() == before and parity.told == []


def test_one_source_that_cannot_be_asked_does_not_keep_the_others_from_it(parity, server, copied, couch, cursor):
    couch.purge("doc-1")
    cursor.execute("DELETE FROM v1.source WHERE source = 'c/medic'")
    parity.add(server.url, "c/medic", engine="logstash")
    try:
        said = parity.run("c/medic", "a/medic")
    finally:
        cursor.execute("INSERT INTO v1.source (source, engine) VALUES ('c/medic', 'logstash')")
    assert said.code == 1 and said.found and said.err == "ERROR c/medic: PostgreSQL does not know the source c/medic: run site.yml\n"


def test_a_refused_password_is_tried_once_for_all_sources(parity, server, copied):
    (parity.directory / "password").write_text("wrong")
    parity.add(server.url, "b/medic")
    said = parity.run()
    lines = said.err.splitlines()
    assert said.code == 1 and len(lines) == 2 and "wrong" not in lines[0]
    assert "a/medic: CouchDB refused the credentials of user u" in lines[0] and "correct username or password in cht_sync_sources" in lines[0]
    assert "b/medic: CouchDB refused the credentials of user u to another process a moment ago" in lines[1]
    assert "to another process a moment ago" in parity.run("a/medic").err
    assert server.refused == 1


def test_a_database_that_is_not_there(parity, server, copied):
    server.statuses = [404]
    said = parity.run()
    assert said.code == 1 and said.err.startswith(f"ERROR a/medic: CouchDB has no database {server.url}/medic (404): ")


def test_a_part_of_a_database_is_not_taken_for_it(parity, server, copied, tmp_path, source):
    """All that CHT does not show an offline user would count as vanished."""
    authority, before = Authority(tmp_path), source.state()
    with CHT(server.url, authority.certificate(), online=()) as cht:
        parity.add(cht.url, ca_file=authority.ca_file)
        for firewall, told in ((True, "CHT takes user u for an offline user"), (False, "user u sees a part only")):
            cht.firewall = firewall
            said = parity.run("--repair", "--most-vanished", "99")
            assert said.code == 1 and told in said.err and "mm-online" in said.err and not said.found
    assert source.state() == before and parity.told == []


def test_what_passes_is_tried_again(parity, server, copied):
    server.statuses = [503, 500]
    said = parity.run()
    assert said.code == 0 and said.err.count("next try in") == 2


@pytest.mark.parametrize("what", ["connect", "view"])
def test_a_warehouse_that_does_not_answer(parity, copied, cursor, what):
    if what == "connect":
        parity.postgresql = type("Nobody", (), {"port": 1})
        parity.add("http://127.0.0.1:1")
    else:
        cursor.execute("REVOKE SELECT ON v1.document_revision FROM monitor")
    try:
        said = parity.run()
    finally:
        cursor.execute("GRANT SELECT ON v1.document_revision TO monitor")
    assert said.code == 1 and said.err.count("\n") == 1 and "PostgreSQL at 127.0.0.1, port" in said.err and "run site.yml" in said.err


def test_mistakes_are_told_with_the_remedy(parity, copied):
    said = parity.run("x/medic")
    assert (said.code, said.err) == (78, "ERROR no source x/medic: known are a/medic\n")
    (parity.directory / "monitor").unlink()
    said = parity.run()
    assert said.code == 78 and "postgresql_password_file" in said.err
