# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried again, and what is said of a failure."""

from types import SimpleNamespace

import pytest
from cht_dbt.__main__ import exit_code
from cht_dbt.outcomes import Outcome, below, in_short, is_transient, to_run_without, to_try_again

DEADLOCK = """Database Error in model person (models/base/documents/person.sql)
  deadlock detected
  DETAIL:  Process 71 waits for RowExclusiveLock on relation 16402; blocked by process 70.
  HINT:  See server log for query details.
  compiled code at target/run/person.sql"""
WRONG = """Database Error in model visit (models/visit.sql)
  null value in column "uuid" violates not-null constraint
  DETAIL:  Failing row contains (Amina, 254700000000).
  compiled code at target/run/visit.sql"""
# metadata <- contact <- person <- area; metadata <- report <- area; report <- visit
CHILDREN = {"metadata": ["contact", "report"], "contact": ["person"], "person": ["area"], "report": ["area", "visit"], "area": []}


def outcome(name, status="success", message=""):
    return Outcome(name, name, status, message)


@pytest.mark.parametrize(
    "message",
    [
        DEADLOCK,
        "canceling statement due to lock timeout",
        "could not serialize access due to concurrent update",
        "tuple concurrently updated",
        "tuple concurrently deleted",
        "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally",
        'connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused\n\tIs the server running?',
        "terminating connection due to administrator command",
        "the database system is starting up",
        "connection already closed",
    ],
)
def test_a_passing_trouble_is_known(message):
    assert is_transient(message)


@pytest.mark.parametrize("message", [WRONG, "", 'relation "x" does not exist', "permission denied for schema v1", "division by zero"])
def test_what_will_fail_again_is_known(message):
    assert not is_transient(message)


def test_what_is_said_has_no_rows_content():
    assert in_short(DEADLOCK) == "deadlock detected"
    assert in_short(WRONG) == 'null value in column "uuid" violates not-null constraint'
    assert in_short("Compilation Error in model x (x.sql)\n  'y' is undefined\n") == "'y' is undefined"
    assert in_short('Database Error\n  invalid input syntax for type integer: "Amina "x""') == 'invalid input syntax for type integer: "..."'
    assert in_short('value "254700000000" is out of range for type integer') == 'value "..." is out of range for type integer'
    assert in_short('invalid input syntax for type integer: "Amina\nOdhiambo"') == 'invalid input syntax for type integer: "..."'
    assert in_short('time zone "Amina" not recognized') == 'time zone "..." not recognized'
    assert in_short('relation "dbt.contact" does not exist') == 'relation "dbt.contact" does not exist'
    assert in_short("plain") == "plain" and in_short("") == ""
    assert len(in_short("x" * 5000)) == 300


def test_only_what_failed_and_what_waited_for_it_is_tried_again():
    outcomes = [outcome("metadata"), outcome("contact", "error", DEADLOCK), outcome("report"), outcome("visit"),
                outcome("person", "skipped"), outcome("area", "skipped")]  # fmt: skip
    assert to_try_again(outcomes, CHILDREN) == {"contact", "person", "area"}


def test_what_reads_a_hopeless_failure_is_not_tried_again():
    outcomes = [outcome("contact", "error", DEADLOCK), outcome("report", "error", WRONG),
                outcome("person", "skipped"), outcome("area", "skipped"), outcome("visit", "skipped")]  # fmt: skip
    assert to_try_again(outcomes, CHILDREN) == {"contact", "person"}
    assert to_try_again([outcome("report", "error", WRONG), outcome("visit", "skipped")], CHILDREN) == set()
    assert to_try_again([outcome("metadata")], CHILDREN) == set()


def test_what_reads_a_failure_goes_on_with_what_that_held_before():
    outcomes = [outcome("contact", "error", WRONG), outcome("report", "error", WRONG),
                outcome("person", "skipped"), outcome("area", "skipped"), outcome("visit", "skipped")]  # fmt: skip
    assert to_run_without(outcomes, CHILDREN, set()) == {"person", "area", "visit"}
    assert to_run_without(outcomes, CHILDREN, {"contact"}) == {"visit"}
    assert to_run_without(outcomes, CHILDREN, {"contact", "report"}) == set()


def test_below_follows_all_ways_once():
    assert below(["contact"], CHILDREN) == {"contact", "person", "area"}
    assert below(["metadata"], {**CHILDREN, "area": ["metadata"]}) == {"metadata", "contact", "report", "person", "area", "visit"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([("model.country.visit", "error")], 3),
        ([("model.country.visit", "error"), ("model.country.area", "skipped")], 3),
        ([("model.country.visit", "error"), ("model.cht_sync.fct_report", "skipped")], 1),
        ([("operation.cht_sync.cht_sync-on-run-end-0", "error")], 1),
        ([], 1),  # dbt itself
    ],
)
def test_only_a_packages_own_failure_is_told_from_ours(wrong, code):
    outcomes = {id_: Outcome(id_, id_, status) for id_, status in [("model.cht_sync.person", "success"), *wrong]}
    assert exit_code(SimpleNamespace(outcomes=outcomes)) == code


def test_a_run_that_did_not_begin_is_no_packages_failure():
    assert exit_code(None) == 1
