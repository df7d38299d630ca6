# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that real sites hold, and what the marts must say of them: the cases of tests/fixtures/field, in one warehouse.

On PostgreSQL 17 its locale is ICU's, in which letters and digits of all scripts are what they are: a cluster that was adopted may have it.
"""

import json
import os

import pytest
from cht_demo import DATABASES
from field import INSTANCE, Wrong, catalogue, check, read

pytestmark = pytest.mark.server

CASES = catalogue()


@pytest.fixture(scope="module")
def field(server, copy):
    """The warehouse in which all cases were played."""
    played = [document for case in CASES for document in case.documents()]
    sources = sorted({f"{instance}/{database}" for instance, _database, _document in played for database in DATABASES})
    icu = "CHT_TEST_POSTGRESQL" in os.environ
    server.create("field", [{"source": source, "engine": "relay"} for source in sources], icu)
    warehouse = copy("field")
    assert warehouse.value("SELECT datlocprovider FROM pg_database WHERE datname = current_database()") == ("i" if icu else "c")
    # In the order of their names, so the shared instance is no special one.
    for source in sources:
        documents = [document for instance, database, document in played if f"{instance}/{database}" == source]
        warehouse.ingest(documents, source.split("/")[1], instance=source.split("/")[0], kept=() if source.startswith(INSTANCE) else ("id_collision",))
    warehouse.dbt("run")
    warehouse.query("SET timezone = 'Africa/Nairobi'")
    yield warehouse
    warehouse.connection.close()


def rows(warehouse, relation, where, named):
    """Rows of a relation of marts, or of the schema it names, as to_jsonb shows them."""
    schema, name = relation.split(".") if "." in relation else ("marts", relation)
    columns = warehouse.column(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position", schema, name)
    if not columns:
        raise Wrong(f"there is no {schema}.{name}")
    if unknown := set(named) - set(columns):
        raise Wrong(f"{name} has no {', '.join(sorted(unknown))}, but {', '.join(columns)}")
    return warehouse.column(f'SELECT to_jsonb(t) FROM {schema}."{name}" t WHERE to_jsonb(t) @> %s', json.dumps(where))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_field(field, case):
    for expected in case.expect:
        where, wanted = expected.get("where", {}), expected.get("is", {})
        asked = f"{case.about}\n{expected['from']} {where}"
        found = rows(field, expected["from"], where, [*where, *wanted])
        assert len(found) == expected.get("rows", 1), f"{asked}: {found}"
        assert {column: found[0][column] for column in wanted} == wanted, asked


def test_a_case_that_names_what_is_not_there(field):
    with pytest.raises(Wrong, match=r"there is no marts\.rpt_areas"):
        rows(field, "rpt_areas", {}, [])
    with pytest.raises(Wrong, match="rpt_area has no area, but facility_uuid, "):
        rows(field, "rpt_area", {}, ["area"])


EXPECT = "expect: [{from: rpt_area, rows: 0}]"


@pytest.mark.parametrize(("text", "words"), [
    ("about: x", "case: needs about and expect"),
    (f"about: x\nhave: []\n{EXPECT}", "case: does not know have"),
    (f"about: x\nhas: [village v]\n{EXPECT}", "case: has: 'village v' is none of"),
    (f"about: x\nhas: [person p in h]\n{EXPECT}", "there is no h before it"),
    ("about: x\nexpect: [{from: rpt_area, is: {}, rows: 0}]", "either is or rows"),
    (f"about: x\ndocuments: {{medic: [{{_id: p}}]}}\n{EXPECT}", "the id p must hold the case's name"),
    (f"about: x\nhas: [area a, area a]\n{EXPECT}", "has: case_a is there twice"),
    (f"about: x\nhas: [area a]\ndocuments: {{medic: [{{_id: case_a}}]}}\n{EXPECT}", "the id case_a is of case already")])
def test_a_case_that_is_not_as_it_should_be(text, words):
    with pytest.raises(Wrong, match=words):
        check([read("case", text)])
