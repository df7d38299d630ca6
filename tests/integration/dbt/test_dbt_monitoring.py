# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role monitor reads of a real warehouse: each query of monitoring/, and what status.yml shows of the models."""

import re

import psycopg2
import pytest
import yaml
from conftest import ROOT

from ansible_collections.cht.sync.plugins.module_utils._models import models
from ansible_collections.cht.sync.plugins.module_utils._status_report import problems, table

pytestmark = pytest.mark.once

FILES = ROOT / "monitoring"
COLLECTORS = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FILES.glob("*.collector.yml"))}
METRICS = [(collector, metric) for collector in COLLECTORS.values() for metric in collector["metrics"]]
NAMES = {metric["metric_name"]: metric for _collector, metric in METRICS}
# What CHT Watchdog's dashboards ask for, with labels.
WATCHDOG = {
    "couch2pg_progress_sequence": ["db", "cht_instance"], "couch2pg_progress_pending": ["db", "cht_instance"],
    "couch2pg_up": ["db", "cht_instance"], "dbt_latency": [], "dbt_execution_time": ["table_name"]}  # fmt: skip
# Functions and keywords of PromQL in the rules.
PROMQL = {"and", "absent", "delta", "max", "by", "instance"}


def query_of(collector, metric):
    named = {query["query_name"]: query["query"] for query in collector.get("queries", [])}
    return metric.get("query") or named[metric["query_ref"]]


def series(connection, collector, metric):
    """Labels to value, as the exporter would show them."""
    with connection.cursor() as cursor:
        cursor.execute(query_of(collector, metric))
        columns = [column.name for column in cursor.description]
        rows = [dict(zip(columns, row)) for row in cursor.fetchall()]
    labels, (value,) = metric.get("key_labels", []), metric["values"]
    assert {*labels, value} <= set(columns), metric["metric_name"]
    found = [(tuple(row[label] for label in labels), row[value]) for row in rows]
    assert all(isinstance(number, float) for _labels, number in found), (metric["metric_name"], found)
    assert all(isinstance(label, str) and label for labels, _number in found for label in labels), (metric["metric_name"], found)
    assert len(dict(found)) == len(found), f"{metric['metric_name']}: two series with the same labels"
    return dict(found)


@pytest.fixture(scope="module")
def read(copy, modelled):
    """All series, and the models: after a run of tests and two runs that failed; the newest row is a tombstone."""
    warehouse = copy(modelled)
    warehouse.dbt("test", "--select", "test_type:singular")
    warehouse.query("ALTER TABLE dbt.place ADD CONSTRAINT broken CHECK (place_id <> 'poison') NOT VALID")
    warehouse.ingest([{"_id": "p", "type": "clinic", "place_id": "poison", "name": "x"}, {"_id": "gone"}])
    warehouse.dbt("run", check=False)
    warehouse.ingest([], deleted=["gone"])
    warehouse.dbt("run", check=False)
    warehouse.query("UPDATE v1.couchdb_progress SET pending = 7, seq = '12-x' WHERE source LIKE '%%/medic'")
    warehouse.query("UPDATE v1.couchdb_progress SET updated_at = now() - CASE WHEN source LIKE '%%/medic-sentinel' THEN interval '3 minutes' ELSE '0' END")
    monitor = warehouse.server.connect(warehouse.name, "monitor")
    readable = warehouse.column(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace IN ('marts'::regnamespace, 'dbt'::regnamespace) "
        "AND relkind IN ('r', 'v') AND has_table_privilege('monitor', c.oid, 'SELECT') ORDER BY 1")
    yield {metric["metric_name"]: series(monitor, collector, metric) for collector, metric in METRICS}, models(monitor), readable
    monitor.close()
    warehouse.connection.close()


@pytest.fixture
def exported(read):
    return read[0]


def test_the_collectors_that_are_configured_are_there():
    exporter = yaml.safe_load((FILES / "sql_exporter.yml").read_text(encoding="utf-8"))
    assert sorted(exporter["target"]["collectors"]) == sorted(collector["collector_name"] for collector in COLLECTORS.values())
    assert len(NAMES) == len(METRICS)
    for _collector, metric in METRICS:
        assert set(metric) <= {"metric_name", "type", "help", "key_labels", "values", "query", "query_ref"} and metric["type"] in ("gauge", "counter")
        assert re.fullmatch("[a-z][a-z0-9_]*", metric["metric_name"]) and metric["help"]


def test_watchdog_finds_what_it_asks_for(exported):
    assert {name: NAMES[name].get("key_labels", []) for name in WATCHDOG} == WATCHDOG
    assert exported["couch2pg_progress_sequence"][("medic", "cht.example.org")] == 12
    # Not reported is no series, rather than 0.
    assert exported["couch2pg_progress_pending"] == {("medic", "cht.example.org"): 7}
    assert {key[0]: value for key, value in exported["couch2pg_up"].items()} == {"medic": 1, "medic-sentinel": 0, "medic-users-meta": 1}
    assert exported["dbt_latency"] == {(): 0}
    assert exported["dbt_execution_time"][("document_metadata",)] > 0


def test_what_failed_is_seen(exported):
    assert exported["cht_dbt_model_ok"][("place",)] == 0 and exported["cht_dbt_model_ok"][("contact",)] == 1
    assert exported["cht_dbt_model_lag_seconds"][("place",)] > 0 and exported["cht_dbt_model_lag_seconds"][("contact",)] == 0
    assert exported["cht_dbt_failed_tests"] == {(): 0} and 0 < exported["cht_dbt_last_run_age_seconds"][()] < 300
    assert set(exported["cht_sync_quarantined"].values()) == {0} and len(exported["cht_sync_age_seconds"]) == 3


def test_the_models_are_shown_as_they_are(read):
    _series, (found, failed_tests), _readable = read
    by_name = {row["model"]: row for row in found}
    assert {"document_metadata", "place", "dim_place", "sys_device", "rpt_data_record"} <= set(by_name) and failed_tests == 0
    assert (by_name["place"]["status"], by_name["dim_place"]["status"], by_name["contact"]["status"]) == ("error", "skipped", "success")
    assert by_name["place"]["lag"] > 0 and by_name["contact"]["lag"] == 0 and by_name["sys_device"]["lag"] is None
    shown = table([], found)
    assert len(shown) <= 20 and "| dbt.place " in shown[5] and f"of {len(found)} models succeeded" in shown[-1]
    (wrong,) = problems([], found, failed_tests, True)
    assert wrong.startswith("failed in the last run: dbt.place (") and "more had to wait" in wrong


def test_the_monitor_reads_nothing_of_what_documents_say(read):
    """But for the names of kinds of contact, which CHT's settings give."""
    assert read[2] == ["marts.sys_contact_type", "marts.sys_dbt_last_run", "marts.sys_dbt_run"]


def test_before_the_first_run_only_the_models_are_missing(server, empty):
    """Not even a call was made."""
    monitor = server.connect(empty, "monitor")
    assert models(monitor) == ([], None)
    found = {metric["metric_name"]: series(monitor, collector, metric) for collector, metric in METRICS if collector["collector_name"] == "cht_sync"}
    assert set(found["couch2pg_up"].values()) == {0} and set(found["couch2pg_progress_sequence"].values()) == {0}
    assert found["couch2pg_progress_pending"] == {} and found["cht_sync_age_seconds"] == {}
    for collector, metric in METRICS:
        if collector["collector_name"] == "cht_dbt":
            with pytest.raises(psycopg2.errors.UndefinedTable):
                series(monitor, collector, metric)
    monitor.close()


def test_alerts_name_metrics_that_exist():
    rules = yaml.safe_load((FILES / "cht_sync.rules.yml").read_text(encoding="utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    for rule in alerts:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"} and rule["labels"]["severity"] in ("warning", "critical")
        named = set(re.findall(r"\b[a-z_][a-z0-9_]*\b", re.sub(r"\[\w+\]", "", rule["expr"]))) - PROMQL
        assert named and named <= set(NAMES), rule["alert"]
        aggregated = re.search(r"\b(max by|absent)\b", rule["expr"])
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert labels <= (set() if aggregated else set.intersection(*(set(NAMES[name].get("key_labels", [])) for name in named))), rule["alert"]
        # Without a format millions are written as 1.2e+07.
        assert "$value }}" not in rule["annotations"]["summary"], rule["alert"]
