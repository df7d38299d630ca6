# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the module on the target for dashboards, and writes them into `dest` on the controller."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cht.sync.plugins.plugin_utils._superset_directory import DirectoryError, plan


class ActionModule(ActionBase):
    """Files are written here, where the repository is that they belong to."""

    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        result.update(self._execute_module(module_args=args, task_vars=task_vars))
        if result.get("failed") or not args.get("dest"):
            return result
        try:
            changes = plan(result["dashboards"], args["dest"], args.get("dest_datasets") or None)
            if not self._task.check_mode:
                for change in changes:
                    change.apply()
        except (DirectoryError, OSError, UnicodeDecodeError) as error:
            raise AnsibleActionFail(f"dest: {error}") from error
        result["changed"] = bool(changes)
        result["files"] = [str(change.path) for change in changes]
        result["diff"] = [
            {
                "before_header": str(change.path),
                "after_header": str(change.path) if change.after is not None else "removed",
                "before": change.before or "",
                "after": change.after or "",
            }
            for change in changes
        ]
        return result
