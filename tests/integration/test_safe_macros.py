# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the models make of any text that a document may hold: a value or null, in whatever locale the database has, and never an error."""

import sys
import unicodedata
from datetime import date, datetime, timedelta, timezone

import jinja2
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from servers import ICU, ROOT

pytestmark = pytest.mark.server

MACROS = ROOT / "roles/dbt/files/project/macros"
DIGITS = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Nd"]
# Of which numbers, days and moments are made, and of which what looks like them is.
PARTS = ["0", "1", "2", "9", "02", "12", "23", "24", "30", "59", "60", "99", "1999", "2024", "2026", "0000", "10000", "2026-02-30", "2024-02-29", "2026-01-01",
         "1764000000000", "9" * 14, "9" * 400, "0" * 20000, "-", "-", ":", ":", ".", "T", "T", " ", "Z", "+", "+03:00", "-0330", "e", "e999", ",", "/", "_", "x",
         "NaN", "Infinity", "infinity", "epoch", "now", "today", "allballs", "BC", "yes", "no", "telemetry-", "\n", "\u00a0", "\u2212", "\uff0e"]  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.one_of(st.sampled_from(PARTS), st.sampled_from(DIGITS)), max_size=9).map("".join),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)


@pytest.fixture(scope="module")
def databases(postgresql):
    """A connection to a database in C.UTF-8, and to one in ICU."""
    connections = []
    for name, options in (("plain", ""), ("icu", ICU)):
        postgresql.execute(f"DROP DATABASE IF EXISTS {name}")
        postgresql.execute(f"CREATE DATABASE {name} {options}")
        connections.append(postgresql.connect(name))
    assert connections[1].info.dbname == "icu" and postgresql.execute("SELECT '२' ~ '\\d'", "icu") == [(True,)]
    yield connections
    for connection in connections:
        connection.close()


@pytest.fixture(scope="module")
def expressions():
    """By a name the SQL of the macros over a text, a document and its id."""
    project = yaml.safe_load((MACROS.parent / "dbt_project.yml").read_text(encoding="utf-8"))
    macros = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False).from_string(
        "".join((MACROS / f"{name}.sql").read_text(encoding="utf-8") for name in ("safe", "nearest_place", "shown", "forms", "sys"))
    ).make_module({"var": {**project["vars"], "time_zone": "Africa/Nairobi"}.__getitem__})  # fmt: skip
    columns = [{"data_type": kind, "meta": {"field": "a.b", "words": ["yes", "no"]}} for kind in ("text", "boolean", "date", "integer")]
    columns.append({"data_type": "boolean", "meta": {"field": "a.b", "selected": "yes"}})
    return {
        "day": f"({macros.iso_day('text')})::date",
        "date": macros.date_of("text"),
        "moment": macros.moment_of("text"),
        "number": macros.number_of("text"),
        "weight": f"({macros.decimal_of('text', 5)})::integer",
        "telemetry": macros.telemetry_period(),
        "device": macros.device_key(),
        "feedback": macros.feedback_key(),
        "dated": macros.feedback_is_dated(),
        **{f"field of {number}": macros.form_field(column) for number, column in enumerate(columns)},
    }


FROM = """unnest(%s::text[]) WITH ORDINALITY AS t (text, place),
    LATERAL (SELECT text AS uuid, text AS user_name, text AS message, text AS period_start, text AS source, text AS instance) d,
    LATERAL (SELECT jsonb_build_object('a', jsonb_build_object('b', text)) AS fields,
                    jsonb_build_object('metadata', jsonb_build_object('year', text, 'month', text, 'day', text)) AS doc) e"""


def values(connection, expressions, texts):
    """Of each text a dict of what the expressions are."""
    with connection.cursor() as cursor:
        selected = ", ".join(f'{sql} AS "{name}"' for name, sql in expressions.items())
        cursor.execute("SELECT " + selected.replace("%", "%%") + f" FROM {FROM} ORDER BY t.place", (texts,))
        return [dict(zip(expressions, row)) for row in cursor.fetchall()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(["२३", "٢٣", "２３", "2 3", "2,3", "1e999", "NaN", "1." + "0" * 20000, "9" * 400])
@example(["2026-02-30", "2026-13-01", "0000-01-01", "10000-01-01", "infinity", "now", "today", "२०२६-०२-०३", "2026-02-0३", "2026-02-03T२३:00"])
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_any_text_gives_a_value_or_null(databases, expressions, texts):
    plain, icu = (values(connection, expressions, texts) for connection in databases)
    # What a user cut out of an error is the only thing that the locale may decide.
    for row in (*plain, *icu):
        del row["feedback"]
    assert plain == icu
    for text, row in zip(texts, plain):
        if row["number"] is not None:
            assert row["number"] == float(text)
        if row["field of 3"] is not None:
            assert row["field of 3"] == int(float(text)) and text.isascii()
        if row["day"] is not None:
            assert row["day"] == date(int(text[:4]), int(text[5:7]), int(text[8:10]))
            assert text[:10].isascii()


@pytest.mark.parametrize("text, moment", [
    ("1764000000000", datetime.fromtimestamp(1764000000, timezone.utc)),
    ("2026-02-03", datetime(2026, 2, 3, tzinfo=timezone.utc)),
    ("2026-02-03T04:05:06.789Z", datetime(2026, 2, 3, 4, 5, 6, 789000, timezone.utc)),
    ("2026-02-03 04:05", datetime(2026, 2, 3, 4, 5, tzinfo=timezone.utc)),
    ("2026-02-03T04:05:06+03:00", datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=3)))),
    ("2026-02-03T04:05:06.000-0330", datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(-timedelta(hours=3, minutes=30)))),
    ("2026-02-03T24:00:00", datetime(2026, 2, 4, tzinfo=timezone.utc)),
    ("2024-02-29", datetime(2024, 2, 29, tzinfo=timezone.utc)),
    *((text, None) for text in ("2026-02-30", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "0000-01-01", "10000-01-01", "infinity", "now",
                                "today", "epoch", "", " 2026-02-03", "२०२६-०२-०३", "2026-02-0३", "१७६४००००००००", "1764e9", "1,764,000,000,000", "-1")),
])  # fmt: skip
def test_moments(databases, expressions, text, moment):
    for connection in databases:
        (row,) = values(connection, {"moment": expressions["moment"]}, [text])
        assert row["moment"] == moment


@pytest.mark.parametrize("text, number, whole", [
    ("23", 23, 23), ("23.9", 23.9, 23), ("0.30000000000000004", 0.3, 0), ("-1", -1, None), ("999999999", 999999999, 999999999), ("2147483648", 2147483648, None),
    *((text, None, None) for text in ("२३", "٢٣", "２３", "2३", " 23", "23 ", "2 3", "1,000", "1e3", "1e999", "NaN", "Infinity", "0x10", "1_000", "", "+1", "9" * 16)),
])  # fmt: skip
def test_numbers(databases, expressions, text, number, whole):
    for connection in databases:
        (row,) = values(connection, {name: expressions[name] for name in ("number", "field of 3")}, [text])
        assert row["number"] == pytest.approx(number) and row["field of 3"] == whole
