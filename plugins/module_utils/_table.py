# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table as lines of text, for a terminal."""

from __future__ import annotations

WIDEST = 60  # characters of a cell taken from data


def lines(rows: list[list[str]]) -> list[str]:
    """Lines of text of equal length; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    drawn = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |" for cells in rows]
    drawn.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return drawn


def cell(value) -> str:
    """A value as a cell: None is empty, what is long is cut, and what could steer a terminal is replaced."""
    text = "" if value is None else str(value)
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
