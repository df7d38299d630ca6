# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from ansible_collections.cht.sync.plugins.filter.table import table


def test_rows_become_lines_of_equal_length():
    assert table([{"source": "a/medic", "size": 5}, {"source": "b", "size": None, "more": 1}, {}], ["source", "size"]) == [
        "| source  | size |",
        "|---------|------|",
        "| a/medic | 5    |",
        "| b       |      |",
        "|         |      |",
    ]


def test_nothing_of_a_cell_steers_the_terminal_or_fills_it():
    lines = table([{"id": "\x1b[2J\n\u202ex" + "y" * 10_000}], ["id"])
    assert len(lines) == 3 and all(line.isprintable() and len(line) < 80 for line in lines)
