# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the system: what dashboards, exporters and status.yml read of it."""

import pytest

PER_DAY = "SELECT day, instance, dbname, doc_type, documents FROM marts.sys_documents_per_day ORDER BY 1, 2, 3, 4"
COUNTED = """SELECT (saved_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'Africa/Nairobi')::date, split_part(source, '/', 1),
                    split_part(source, '/', 2), coalesce(doc ->> 'type', ''), count(*)
             FROM v1.couchdb WHERE NOT _deleted GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""


def last_run(warehouse, model):
    return warehouse.row("SELECT * FROM marts.sys_dbt_last_run WHERE model = %s", model)


def test_documents_per_day(warehouse):
    """Counted once, then kept by what changed: edits, deletions, new days and kinds; and anew where the triggers are gone."""
    assert warehouse.query(PER_DAY) == warehouse.query(COUNTED)
    warehouse.query("UPDATE v1.stamp SET last = last + interval '26 hours'")
    edited = [warehouse.document(uuid) for uuid in warehouse.column("SELECT uuid FROM dbt.data_record ORDER BY uuid LIMIT 5")]
    gone = warehouse.column("SELECT uuid FROM dbt.feedback")
    warehouse.ingest([*edited, {"_id": "odd"}, {"_id": "new", "type": "new kind"}])
    warehouse.ingest([], "medic-users-meta", deleted=gone)
    edited[0]["form"] = "edited"
    warehouse.ingest(edited[:1])
    warehouse.dbt("run")
    counted = warehouse.query(COUNTED)
    assert len({row[0] for row in counted}) == 2 and not [row for row in counted if row[3] == "feedback"]
    assert warehouse.query(PER_DAY) == counted
    assert warehouse.value("SELECT count(*) FROM dbt.document_tally") == 0
    before = warehouse.query("SELECT xmin::text, ctid::text FROM marts.sys_documents_per_day ORDER BY ctid")
    warehouse.dbt("run", "--select", "document_metadata", "sys_documents_per_day")
    assert warehouse.query("SELECT xmin::text, ctid::text FROM marts.sys_documents_per_day ORDER BY ctid") == before
    warehouse.query("DROP TRIGGER document_tally_update ON dbt.document_metadata")
    warehouse.ingest([{"_id": "new", "type": "newer kind"}], deleted=["odd"])
    warehouse.dbt("run", "--select", "document_metadata", "sys_documents_per_day")
    assert warehouse.query(PER_DAY) == warehouse.query(COUNTED)


def test_sync(warehouse, instance):
    rows = {row[0]: row[1:] for row in warehouse.query("SELECT dbname, documents, engine, pending, age_seconds < 3600 FROM marts.sys_sync")}
    counts = dict(warehouse.query("SELECT split_part(source, '/', 2), count(*) FROM v1.couchdb WHERE NOT _deleted GROUP BY 1"))
    assert rows == {name: (count, "relay", None, True) for name, count in counts.items()}
    assert len(rows) == 3


def test_last_run_and_lag(warehouse):
    """Nothing waits after a run; a change waits for all models, and for a failed one after the next run, too."""
    models = warehouse.query("SELECT model, status, lag_seconds FROM marts.sys_dbt_last_run WHERE materialized <> 'view'")
    assert len(models) >= 14 and {row[1:] for row in models} == {("success", 0)}
    assert warehouse.value("SELECT count(*) FROM marts.sys_dbt_last_run WHERE materialized = 'view' AND lag_seconds IS NOT NULL") == 0
    warehouse.query("ALTER TABLE dbt.data_record ADD CONSTRAINT broken CHECK (form <> 'poison') NOT VALID")
    warehouse.ingest([{"_id": "r", "type": "data_record", "form": "poison", "fields": {}}])
    assert warehouse.value("SELECT count(*) FROM marts.sys_dbt_last_run WHERE materialized <> 'view' AND NOT lag_seconds > 0") == 0
    warehouse.dbt("run", check=False)
    failed, good = last_run(warehouse, "data_record"), last_run(warehouse, "contact")
    assert (failed["status"], good["status"], good["lag_seconds"]) == ("error", "success", 0)
    assert failed["lag_seconds"] > 0 and failed["succeeded"] < failed["started"]
    assert last_run(warehouse, "rpt_data_record")["status"] == "skipped"
    # A run without document_metadata proves nothing of what was stored since.
    warehouse.query("ALTER TABLE dbt.data_record DROP CONSTRAINT broken")
    warehouse.ingest([{"_id": "s", "type": "data_record", "fields": {}}])
    warehouse.dbt("run", "--select", "data_record")
    assert last_run(warehouse, "data_record")["status"] == "success" and last_run(warehouse, "data_record")["lag_seconds"] > 0
    warehouse.dbt("run")
    # As dbt's root left some for the next run.
    assert last_run(warehouse, "data_record")["lag_seconds"] == 0
    warehouse.query("UPDATE dbt.watermark SET saved_timestamp = saved_timestamp - interval '1 microsecond' WHERE model = 'document_metadata'")
    assert last_run(warehouse, "data_record")["lag_seconds"] > 0
    runs = warehouse.query("SELECT models > 0, tests, failed > 0, skipped > 0, seconds > 0 FROM marts.sys_dbt_run ORDER BY started")
    assert [run[2] for run in runs] == [False, True, False, False] and {run[:2] + run[4:] for run in runs} == {(True, 0, True)}
    assert [run[3] for run in runs] == [False, True, False, False]


@pytest.mark.parametrize("deleted", [False, True], ids=["document", "tombstone"])
def test_nothing_waits_whatever_the_newest_row_is(warehouse, deleted):
    warehouse.ingest([] if deleted else [{"_id": "newest", "type": "no model's"}], deleted=["newest"] if deleted else [])
    warehouse.dbt("run", "--select", "document_metadata")
    assert last_run(warehouse, "document_metadata")["lag_seconds"] == 0
