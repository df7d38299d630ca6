# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the directory `src` on the controller and hands its files to the module on the target."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import BundleError, read_directory


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        if "bundle" in args:
            raise AnsibleActionFail("bundle is read from src; give src instead")
        if args.get("src") and not boolean(args.get("remote_src", False)):
            try:
                args["bundle"] = read_directory(self._find_needle("files", args["src"]))
            except (BundleError, AnsibleError) as error:
                raise AnsibleActionFail(f"src: {error}") from error
        result.update(self._execute_module(module_args=args, task_vars=task_vars))
        return result
