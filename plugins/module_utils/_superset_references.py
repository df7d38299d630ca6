# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places in a dashboard's metadata that name charts."""

from __future__ import annotations

from typing import Callable


def with_charts_named(metadata: dict, name: Callable) -> dict:
    """The metadata with each chart named by what `name` gives for it; what it does not know it gives back.

    Where a chart is the key of a mapping, `name` gets the number of the text, and the key is text again.
    """
    named = dict(metadata)
    if "native_filter_configuration" in named:
        named["native_filter_configuration"] = [
            _scoped(entry, name) for entry in named["native_filter_configuration"] or []
        ]
    if "global_chart_configuration" in named:
        named["global_chart_configuration"] = _scoped(named["global_chart_configuration"], name)
    if "chart_configuration" in named:
        named["chart_configuration"] = {
            str(name(_number(chart))): _cross_filtered(entry, name)
            for chart, entry in (named["chart_configuration"] or {}).items()
        }
    for key in ("expanded_slices", "filter_scopes"):
        if key in named:
            named[key] = {str(name(_number(chart))): value for chart, value in (named[key] or {}).items()}
    if "timed_refresh_immune_slices" in named:
        named["timed_refresh_immune_slices"] = [name(chart) for chart in named["timed_refresh_immune_slices"] or []]
    return named


def _cross_filtered(entry, name):
    if isinstance(entry, dict) and "crossFilters" in entry:
        return {**entry, "crossFilters": _scoped(entry["crossFilters"], name)}
    return entry


def _scoped(entry, name):
    if not isinstance(entry, dict) or not isinstance(entry.get("scope"), dict):
        return entry
    excluded = sorted((name(chart) for chart in entry["scope"].get("excluded") or []), key=lambda chart: (str(type(chart)), chart))
    return {**entry, "scope": {**entry["scope"], "excluded": excluded}}


def _number(text):
    return int(text) if str(text).isdigit() else text
