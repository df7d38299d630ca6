# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the trees of `src` on the controller and hands their files to the module on the target, all at once."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.cht.sync.plugins.module_utils._release import read_trees


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        if "files" in args:
            raise AnsibleActionFail("files are read from src; give src instead")
        sources = args.get("src") or []
        try:
            args["files"] = read_trees([self._find_needle("files", path) for path in ([sources] if isinstance(sources, str) else sources)])
        except (ValueError, AnsibleError) as error:
            raise AnsibleActionFail(f"src: {error}") from error
        result.update(self._execute_module(module_args=args, task_vars=task_vars))
        return result
