# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table v1.setting: numbers of the inventory that functions of the warehouse read."""

from __future__ import annotations


def read(cursor) -> dict[str, str]:
    """All settings, by name."""
    cursor.execute("SELECT name, value FROM v1.setting ORDER BY name")
    return dict(cursor.fetchall())


def converge(cursor, wanted: dict[str, str], queries: list[str]) -> None:
    """Stores those of the settings that differ."""
    stored = read(cursor)
    for name, value in wanted.items():
        if stored.get(name) != value:
            queries.append(f"-- setting {name}: {stored.get(name)} -> {value}")
            cursor.execute(
                "INSERT INTO v1.setting (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )


def as_text(settings: dict[str, str]) -> str:
    """For the diff: one line a setting."""
    return "".join(f"setting {name}: {value}\n" for name, value in settings.items())
