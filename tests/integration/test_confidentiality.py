# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents are health data: no answer and no log repeats them."""

import pytest
from calls import page, row
from test_poison import LONG_ID, REFUSED, poisoned_events, poisoned_page

pytestmark = pytest.mark.server

SECRET = "Amina-Wanjiru"
WHOLE = page(row("a", "1-a", name=SECRET, text="},\r\n"), row("b", "1-b", name=SECRET), last_seq="9-x")

BODIES = {
    "no header": SECRET,
    "a header that is no object": f'"{SECRET}"\n{WHOLE}',
    "a header of other types": '{"last_seq":"1","pending":"' + SECRET + '","rows":1}\n' + row("a", "1-a"),
    "a truncated page": WHOLE[:-20],
    "a wrong count": page(row("a", "1-a", name=SECRET), count=2),
    "no array": f"[{SECRET}",
    "no events": f'["{SECRET}"]',
    "an event that lacks a member": f'[{{"id":"{SECRET}","doc":{{"name":"{SECRET}"}}}}]',
    "no object": poisoned_page(f'"{SECRET}"'),
    "a number": poisoned_events(f'{{"_id":"p","name":"{SECRET}","n":1e400000}}'),
    "a long id": poisoned_page(f'{{"_id":"{SECRET}{LONG_ID}"}}'),
    "a nul in raw": poisoned_page(f'{{"_id":"p","name":"{SECRET}"}}').replace("-W", "-\0W"),
    **{name: poisoned_page(doc.replace("nonsense", SECRET).replace('"p"', f'"{SECRET}"')) for name, doc in REFUSED.items()},
    **{f"{name} (event)": poisoned_events(doc.replace("nonsense", SECRET).replace('"p"', f'"{SECRET}"')) for name, doc in REFUSED.items()},
}


@pytest.fixture
def log(postgresql, cursor):
    """What PostgreSQL has logged since the test began."""
    path = str(postgresql.directory / "log")
    cursor.execute("SELECT (pg_stat_file(%s)).size", (path,))
    (begin,) = cursor.fetchone()

    def read():
        cursor.execute("SELECT convert_from(pg_read_binary_file(%s, %s, 100000000), 'UTF8')", (path, begin))
        return cursor.fetchone()[0]

    return read


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_neither_answer_nor_log_nor_reason_repeats_a_document(source, log, cursor, body):
    answer = source.send(body)
    cursor.execute("SELECT DISTINCT reason FROM v1.quarantine")
    assert {reason for (reason,) in cursor.fetchall()} <= {"no id", "the document is no object", "refused by jsonb: 22003", "refused by jsonb: 54001",
                                                           "refused by the table: 54000"}
    assert "Amina" not in answer.text and "Wanjiru" not in answer.text
    said = log()
    assert "Amina" not in said and "Wanjiru" not in said


def test_the_log_is_looked_at(cursor, log):
    cursor.execute("DO $$ BEGIN RAISE WARNING 'Amina'; END $$")
    assert "Amina" in log()
