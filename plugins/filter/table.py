# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a query as a table for the terminal."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._table import cell, lines


def table(rows: list[dict], columns: list[str]) -> list[str]:
    """Lines of text: the heading names the columns, then one line a row. A row that lacks a column has an empty cell."""
    return lines([list(columns), *([cell(row.get(column)) for column in columns] for row in rows)])


class FilterModule:
    def filters(self):
        return {"table": table}
