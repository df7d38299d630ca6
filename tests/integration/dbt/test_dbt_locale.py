# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of it on a database of another locale: documents any field of which holds what no cast takes stop no model."""

import itertools

import pytest
from cht_demo import DATABASES
from test_dbt_models import LONG, in_step

pytestmark = pytest.mark.once

ODD = [
    "२३", "२०२६-०२-०३", "2026-02-0३", "1,000", "1 000", "1e999", "NaN", "-1", "1." + "0" * 20000, "9" * 9, "9" * 14, "9" * 400, "2026-02-30", "2999-12-31T24:00:00",
    "1000-01-01", "0000-00-00", "10000-01-01", "infinity", "now", "", " ", "\n", "\x01", "İı", "😀" * 700, LONG, "yes no", "'", "\\", "{", "%s %", "$$",
    1e300, -5e-9, 10**15, True, False, None, {}, [], {"_id": "x"}, [["x"]],
]  # fmt: skip


def paths(value, path=()):
    """Of all that a document holds, but for what makes it this kind of document."""
    if path and path not in (("_id",), ("type",), ("form",)):
        yield path
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, key))


def planted(value, path, odd):
    """The same with something odd in a place."""
    if not path:
        return odd
    copied = value.copy()
    copied[path[0]] = planted(value[path[0]], path[1:], odd)
    return copied


def odd_documents(documents):
    """Of each kind one document, with each of its values replaced by odd ones in turn."""
    kinds = {(document.get("type"), document.get("form")): document for document in documents}
    following = itertools.cycle(ODD)
    for document in kinds.values():
        for number, path in enumerate(paths(document)):
            for odd in itertools.islice(following, 4):
                yield {**planted(document, path, odd), "_id": f"{document['_id']}~{number}~{ODD.index(odd)}"}


@pytest.fixture(scope="module")
def odd(server, copy, instance):
    server.create("elsewhere", [{"source": f"cht.example.org/{database}", "engine": "relay"} for database in DATABASES], icu=True)
    warehouse = copy("elsewhere")
    warehouse.query("ALTER DATABASE warehouse SET datestyle = 'German'; ALTER DATABASE warehouse SET intervalstyle = 'sql_standard'")
    for database in DATABASES:
        documents = [document for document in instance.final(database) if not document["_id"].startswith("_design/")]
        warehouse.ingest([*documents[:500], *odd_documents(documents)], database)
    yield warehouse
    warehouse.connection.close()


def test_odd_values_stop_no_model_in_any_locale(odd):
    assert odd.value("SELECT '२' ~ '\\d'") and odd.value("SELECT lower('I')") == "ı"
    odd.dbt("run")
    in_step(odd)
    # What is read of a view is computed only now.
    for view in odd.column("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'marts'::regnamespace AND relkind IN ('r', 'v')"):
        odd.query(f"SELECT count(t::text) FROM {view} t")
    # And the same in a run that only makes again what changed.
    again = odd.column("SELECT doc FROM v1.couchdb WHERE source LIKE '%%/medic' AND _id LIKE '%%~%%' ORDER BY _id COLLATE \"C\" LIMIT 500")
    odd.ingest([{**document, "edited": True} for document in again])
    odd.dbt("run")
    in_step(odd)
