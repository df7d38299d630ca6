# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a role's variables against its argument specs, with messages for who wrote the inventory."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible.errors import AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase

from ansible_collections.cht.sync.plugins.plugin_utils._variables import mistakes

UNDEFINED = re.compile(r"'(\w+)' is undefined")
SECRET = re.compile(r"password|secret|token|key")


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        names = self._task.args.get("names")
        options = dict.fromkeys(names, {"type": "raw"}) if names is not None else _options(task_vars["role_path"])
        found = [said for name, option in options.items() for said in self._mistakes(name, option, task_vars)]
        return {**result, "changed": False, "failed": bool(found), "msg": "\n".join(found) or "all is well"}

    def _mistakes(self, name, option, task_vars):
        if name not in task_vars:
            return [f"{name} is not set: put it into {_file(name)}"] if option.get("required") else []
        try:
            value = self._templar.template(task_vars[name])
        except AnsibleUndefinedVariable as error:
            return [_undefined(name, str(error))]
        return mistakes(name, option, value)


def _options(role_path):
    return yaml.safe_load((Path(role_path) / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]


def _undefined(name, error):
    missing = UNDEFINED.search(error)
    if not missing:
        return f"{name} refers to something that is not there: {error}"
    return f"{name} refers to {missing[1]}, which is not set: put the line `{missing[1]}: ...` into {_file(missing[1])}"


def _file(name):
    return f"<inventory>/group_vars/all/{'secrets' if SECRET.search(name) else 'main'}.yml"
