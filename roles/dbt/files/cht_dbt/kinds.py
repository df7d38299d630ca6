# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of contact that the variables name and that there are not: of these, dashboards show nothing."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

# What dashboards are made of, by default too; the others only where a site says so, since few sites have all kinds of CHT's fixed hierarchy.
_SHOWN = ("area_types", "facility_types", "household_types")
_SORTED = ("place_types", "person_types")


def unknown(kinds: Iterable[tuple[str, str, bool]], variables: Mapping[str, Any]) -> str:
    """What is wrong with the variables, and what there is; empty where nothing is, or no kind is known yet.

    kinds: of each the variable that names it, its name, and whether there is one. variables: those that the site sets.
    """
    kinds = list(kinds)
    known = sorted({name for _variable, name, there in kinds if there})
    wrong = [f"{variable} names {name}" for variable, name, there in kinds if variable in _SHOWN and not there]
    wrong += [f"{variable} names {name}" for variable in _SORTED for name in variables.get(variable, []) if name not in known]
    if not known or not wrong:
        return ""
    return f"{', '.join(wrong)}, but CHT has no such kind of contact, so dashboards lack it: set dbt_vars to kinds that there are: {', '.join(known)}"
