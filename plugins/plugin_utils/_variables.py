# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the value of a variable, by its entry in a role's argument specs."""

from __future__ import annotations

from collections.abc import Iterator

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_bool, check_type_int

# What `-e` and text in an inventory may stand for. The roles convert it where they use it.
FORMS = {"int": (check_type_int, "a whole number"), "bool": (check_type_bool, "true or false")}


def mistakes(name: str, option: dict, value) -> list[str]:
    """One sentence a mistake. Of values other than numbers, switches and choices none is shown: it may be a secret."""
    found = list(_of_form(name, option, value))
    if found:
        return found
    if "choices" in option and value not in option["choices"]:
        return [f'{name} is {_shown(value)}: it must be one of {", ".join(map(str, option["choices"]))}']
    checked = ArgumentSpecValidator({name: option}).validate({name: value}, validate_role_argument_spec=True)
    return [_without_value(error) for error in checked.error_messages]


def _of_form(name: str, option: dict, value) -> Iterator[str]:
    kind = option.get("type", "str")
    if kind in FORMS:
        check, form = FORMS[kind]
        try:
            # None passes for "not given" in argument specs, and would become 0 or false.
            check("" if value is None else value)
        except TypeError:
            yield f"{name} is {_shown(value)}: it must be {form}"
    elif "options" in option and isinstance(value, list):
        for position, entry in enumerate(value, start=1):
            for member in option["options"].keys() & (entry if isinstance(entry, dict) else {}):
                yield from _of_form(f"{member} of entry {position} in {name}", option["options"][member], entry[member])


def _shown(value) -> str:
    return "empty" if value in (None, "") else f'"{value}"'


def _without_value(error: str) -> str:
    return error.split(" and we were unable to convert to ")[0] if " is of type " in error else error
