# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads of the state of sources and models."""

import pytest

from ansible_collections.cht.sync.plugins.module_utils._status import UNKNOWN, entry
from ansible_collections.cht.sync.plugins.module_utils._status_report import exceeded, notes, problems, table, verdict

STATE = {**UNKNOWN, "engine": "relay", "seq": "7-x", "pending": 0, "age": 3.2, "postgresql": 5, "deleted": 1}
MODEL = {"schema": "dbt", "model": "contact", "materialized": "incremental", "status": "success",
         "age": 200.0, "seconds": 0.2, "success_age": 200.0, "lag": 0.0}  # fmt: skip
NO_LIMITS = {"max_age": None, "max_pending": None, "max_model_lag": None}


def source(counts=(5, 5), error=None, **changes):
    return entry("a/medic", list(counts), {"a/medic": {**STATE, **changes}}, error)


def model(**changes):
    return {**MODEL, **changes}


def said(sources, models=(), failed_tests=None, expected=False):
    return "\n".join(verdict(sources, list(models), problems(sources, list(models), failed_tests, expected)))


def test_an_unknown_pending_is_never_shown_as_zero():
    shown = table([source(pending=None, quarantined=2), entry("b/medic", [0, 0], {})], [])
    assert "not reported" in shown[2] and "never" in shown[4] and "2 in quarantine" in shown[3]
    assert len({len(line) for line in shown}) == 1


def test_millions_can_be_read():
    state = {"postgresql": 34_567_890, "deleted": 1_200_000, "pending": 2_147_483_647, "quarantined": 1000}
    shown = "\n".join(table([source(counts=(45_678_901, 45_678_901), **state)], []))
    assert all(f" {number} " in shown for number in ("45,678,901", "34,567,890", "1,200,000", "2,147,483,647", "1,000"))
    assert "11,111,011 documents are still to come" in said([source(counts=(45_678_901, 45_678_901), **{**state, "quarantined": 0})])


def test_what_was_not_counted_is_not_shown_as_zero():
    shown = "\n".join(table([source(counts=()), source(postgresql=None, deleted=None)], []))
    assert "no answer" in shown and "not counted" in shown


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([], ["ALL IS WELL", "5 documents of 1 sources are all copied", "dbt has not run here"]),
        ([model()], ["ALL IS WELL", "1 models hold every change"]),
        ([model(), model(lag=200.0)], ["ALL IS WELL", "2 models lack no change older than 3 min"]),
        ([model(materialized="view", lag=None)], ["ALL IS WELL"]),
        ([model(materialized="view", lag=None, status=None, age=None, seconds=None)], ["ALL IS WELL"]),
    ],
)
def test_all_is_well(models, words):
    told = said([source()], models)
    assert all(word in told for word in words) and "\n" not in told, told


@pytest.mark.parametrize(
    ("sources", "models", "words"),
    [
        ([source(error="https://x cannot be reached", counts=())], [], ["a/medic: https://x cannot be reached"]),
        ([entry("a/medic", [5, 5], {})], [], ["the warehouse does not know it", "site.yml"]),
        ([source(seq=None, age=None, postgresql=0)], [], ["nothing was copied yet", "'cht-sync-relay@*'"]),
        ([source(age=500.0)], [], ["last called 8 min ago", "'cht-sync-relay@*'"]),
        ([source(engine="logstash", age=100000.0)], [], ["last called 28 h ago", "cht-sync-logstash"]),
        ([source(counts=(7, 8))], [], ["2 documents are still to come", "parity.yml"]),
        ([source(pending=4)], [], ["4 changes are still to come"]),
        ([source(counts=(3, 3))], [], ["2 documents more than CouchDB", "parity.yml"]),
        ([source(postgresql=None)], [], ["not counted in time", "cht_sync_count_timeout"]),
        ([source(quarantined=1)], [], ["1 in quarantine", "quarantine.yml"]),
        ([source()], [model(status="error", lag=9000.0)], ["failed in the last run: dbt.contact:", "journalctl -u cht-sync-dbt", "dbt.yml"]),
        ([source()], [model(lag=9000.0)], ["more than 60 min behind: dbt.contact:", "cht-sync-dbt.timer"]),
        ([source()], [model(status=None, lag=None)], ["behind: dbt.contact"]),
        ([source()], [model(model=f"m{number}", status="error") for number in range(5)], ["last run: dbt.m0, dbt.m1, dbt.m2 and 2 more:"]),
        ([source()], [model(status="error"), model(status="skipped", lag=9000.0)], ["dbt.contact (1 more had to wait for them)"]),
    ],
)
def test_what_is_wrong_is_told_with_the_remedy(sources, models, words):
    told = said(sources, models)
    assert told.startswith("NOT WELL:\n- ") and told.count("\n") == 1, told
    assert all(word in told for word in words), told


def test_a_replaced_database_is_noted_for_a_week():
    (note,) = notes([source(replaced_age=6 * 86400.0), source(replaced_age=8 * 86400.0), source()])
    assert "a/medic was found to be another database 6 d ago" in note and "parity.yml -e parity_source=a/medic" in note


def test_models_that_never_ran_are_missed_where_they_should_have():
    assert "dbt has not run yet" in said([source()], expected=True)
    assert "ALL IS WELL" in said([source()], [model()], expected=True)
    assert "2 of the models' tests failed" in said([source()], [model()], failed_tests=2)


def test_logstash_may_be_silent_for_hours():
    assert "ALL IS WELL" in said([source(engine="logstash", age=30000.0, pending=None)])


def test_many_models_fit_a_screen_and_what_is_wrong_comes_first():
    models = [model(model=f"m{number:02}", seconds=float(number)) for number in range(60)]
    models[7].update(status="error")
    models[9].update(lag=50.0)
    models[11].update(materialized="view", status=None, age=None, seconds=None, lag=None)
    shown = table([source()], models)
    assert len(shown) <= 24 and max(map(len, shown)) <= 120
    names = [line.split()[1] for line in shown if line.startswith("| dbt.")]
    assert names[:3] == ["dbt.m07", "dbt.m09", "dbt.m59"]
    assert shown[-1] == "59 of 60 models succeeded in their last run; 48 are not shown."


@pytest.mark.parametrize(
    ("limits", "sources", "models", "words"),
    [
        ({"max_age": 3}, [source()], [], "last call 3 s ago, max_age is 3 s"),
        ({"max_age": 4}, [source()], [], None),
        ({"max_age": 4}, [source(age=None)], [], "last call never"),
        ({"max_pending": 5}, [source(pending=6)], [], "6 changes pending, max_pending is 5"),
        ({"max_pending": 6}, [source(pending=6)], [], None),
        ({"max_pending": 0}, [source(pending=None)], [], None),
        ({"max_model_lag": 60}, [], [model(lag=61.0)], "dbt.contact: 61 s behind"),
        ({"max_model_lag": 61}, [], [model(lag=61.0)], None),
        ({"max_model_lag": 60}, [], [model(lag=None)], "dbt.contact: unknown behind"),
        ({"max_model_lag": 60}, [], [model(materialized="view", lag=None)], None),
        ({"max_model_lag": 60}, [source()], [], "dbt has not run yet"),
        ({}, [source(age=None)], [], None),
    ],
)
def test_limits(limits, sources, models, words):
    found = exceeded(sources, models, {**NO_LIMITS, **limits})
    assert (words is None and found == []) or (len(found) == 1 and words in found[0]), found
