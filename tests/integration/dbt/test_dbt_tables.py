# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base models are the tables of cht-pipeline v2, so that packages written for it find what they read."""

from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.once

RECORDED = yaml.safe_load((Path(__file__).parents[2] / "fixtures/cht-pipeline-v2/tables.yml").read_text(encoding="utf-8"))
MODELS = sorted(set(RECORDED) - {"couchdb", "couchdb_progress"})


@pytest.fixture(scope="module")
def built(copy, modelled):
    warehouse = copy(modelled)
    yield warehouse
    warehouse.connection.close()


def test_all_models_are_there(built):
    assert len(MODELS) == 12
    assert set(built.column("SELECT relname FROM pg_class WHERE relnamespace = 'dbt'::regnamespace AND relkind = 'r'")) \
        == {*MODELS, "account", "digest_salt", "document_tally", "instance_contact_type", "project_model", "stale", "watermark"}


@pytest.mark.parametrize("model", MODELS)
def test_columns_and_types(built, model):
    columns = built.query(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'dbt' AND table_name = %s "
        "ORDER BY ordinal_position", model)
    assert [list(column) for column in columns] == [list(column) for column in RECORDED[model]["columns"].items()]


@pytest.mark.parametrize("model", MODELS)
def test_keys(built, model):
    keys = built.column("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = format('dbt.%%I', %s::text)::regclass", model)
    assert sorted(key.replace("dbt.", "v1.") for key in keys) == sorted(RECORDED[model].get("constraints", []))


@pytest.mark.parametrize("model", MODELS)
def test_indexes(built, model):
    """At least the recorded ones; a unique constraint's own is not listed there."""
    indexes = built.column(
        "SELECT format('%%s (%%s)', a.attname, am.amname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_am am ON am.oid = c.relam JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
        "WHERE i.indrelid = format('dbt.%%I', %s::text)::regclass AND i.indnatts = 1", model)
    assert set(RECORDED[model].get("indexes", [])) <= set(indexes)


def test_dashboards_read_marts_and_nothing_else(built):
    reader = built.server.connect(built.name, "superset_reader")
    with reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM marts.rpt_data_record")
        assert cursor.fetchone()[0] > 0
        cursor.execute("SELECT has_schema_privilege('dbt', 'USAGE')")
        assert cursor.fetchone()[0] is False
    reader.close()
