# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the value of a variable, by its entry in a role's argument specs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_int

from ansible_collections.cht.sync.plugins.plugin_utils._authorities import certificates

# Those that the filter bool knows, by which the roles convert.
SWITCHES = ("true", "false", "yes", "no", "on", "off", "1", "0")


def _is_number(value) -> bool:
    try:
        check_type_int(value)
    except TypeError:
        return False
    return not isinstance(value, bool)


def _is_quantity(value) -> bool:
    try:
        return math.isfinite(float(value)) and not isinstance(value, bool)
    except (TypeError, ValueError):
        return False


def _is_switch(value) -> bool:
    return str(value).lower() in SWITCHES


# Variables of type path that name a file of the controller with the certificate of an authority.
AUTHORITY = re.compile(r"_ca_(cert|file)$")
# None passes for "not given" in argument specs, and would become 0 or false: it is neither. Text passes for a list and a dictionary there,
# and a role would go through its letters.
FORMS = {
    "int": (_is_number, "a whole number"),
    "float": (_is_quantity, "a number"),
    "bool": (_is_switch, "true or false"),
    "list": (lambda value: isinstance(value, (list, tuple)), "a list, which -e takes as JSON only"),
    "dict": (lambda value: isinstance(value, Mapping), "a dictionary, which -e takes as JSON only"),
}


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
        is_right, form = FORMS[kind]
        if not is_right(value):
            shown = _shown(value) if kind not in ("list", "dict") or value in (None, "") else "text" if isinstance(value, str) else "something else"
            yield f"{name} is {shown}: it must be {form}"
            return
    if kind == "path" and AUTHORITY.search(name) and value:
        try:
            certificates(value, name)
        except ValueError as error:
            yield str(error)
    if "options" in option and isinstance(value, list):
        for position, entry in enumerate(value, start=1):
            for member in option["options"].keys() & (entry if isinstance(entry, dict) else {}):
                yield from _of_form(f"{member} of entry {position} in {name}", option["options"][member], entry[member])


def _shown(value) -> str:
    return "empty" if value in (None, "") else f'"{value}"'


def _without_value(error: str) -> str:
    return error.split(" and we were unable to convert to ")[0] if " is of type " in error else error
