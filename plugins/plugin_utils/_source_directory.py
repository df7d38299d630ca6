# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What action plugins share whose option `src` is a directory on the controller, or several."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase


class SourceDirectoryAction(ActionBase):
    """Reads `src` on the controller and hands its content to the module on the target as `bundle`.

    With remote_src the module reads `src` itself.
    """

    _supports_check_mode = True
    _requires_connection = True

    def read(self, directory: str | list[str]) -> dict:
        """The content of the directory, or of several. Raises ValueError saying what is wrong with it."""
        raise NotImplementedError

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        if "bundle" in args:
            raise AnsibleActionFail("bundle is read from src; give src instead")
        if args.get("src") and not boolean(args.get("remote_src", False)):
            try:
                args["bundle"] = self.read(self._found(args["src"]))
            except (ValueError, AnsibleError) as error:
                raise AnsibleActionFail(f"src: {error}") from error
        result.update(self._execute_module(module_args=args, task_vars=task_vars))
        return result

    def _found(self, src: str | list[str]) -> str | list[str]:
        if isinstance(src, list):
            return [self._find_needle("files", path) for path in src]
        return self._find_needle("files", src)
