# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module that takes long, and shows meanwhile how far it is."""

from __future__ import annotations

import time

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

LONGEST = 86400  # seconds
OPTIONS = {
    "module": {"type": "str", "required": True},
    "options": {"type": "dict", "default": {}},
    "progress": {"type": "str", "required": True},
    "every": {"type": "int", "default": 10},
}
display = Display()


class ActionModule(ActionBase):
    """The module runs in the background of the target, and is asked for every second or two."""

    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(OPTIONS)
        self._task.async_val = LONGEST
        try:
            job = self._execute_module(module_name=args["module"], module_args=args["options"], task_vars=task_vars, wrap_async=True)
        finally:
            self._task.async_val = 0
        if job.get("failed") or "ansible_job_id" not in job:
            return job
        done = self._watch(job["ansible_job_id"], args, task_vars)
        return {key: value for key, value in done.items() if key not in ("ansible_job_id", "results_file", "started", "finished")}

    def _watch(self, job: str, args: dict, task_vars: dict) -> dict:
        """The result of the job."""
        directory = self._remote_expand_user(self.get_shell_option("async_dir", default="~/.ansible_async"))
        began = shown = time.monotonic()
        while True:
            time.sleep(1 if time.monotonic() - began < args["every"] else 2)
            done = self._job(job, directory, "status", task_vars)
            if done.get("finished") or done.get("failed"):
                self._job(job, directory, "cleanup", task_vars)
                return done
            if time.monotonic() - began > LONGEST:
                raise AnsibleActionFail(f"it is not done after {LONGEST} s")
            if time.monotonic() - shown >= args["every"]:
                shown = time.monotonic()
                self._show(args["progress"], shown - began, task_vars)

    def _job(self, job: str, directory: str, mode: str, task_vars: dict) -> dict:
        arguments = {"jid": job, "mode": mode, "_async_dir": directory}
        return self._execute_module(module_name="ansible.legacy.async_status", module_args=arguments, task_vars=task_vars)

    def _show(self, progress: str, seconds: float, task_vars: dict) -> None:
        said = self._low_level_execute_command(progress, executable="/bin/sh").get("stdout_lines") or [""]
        what = f"{task_vars['inventory_hostname']}: {self._templar.template(self._task.name)}"
        # Ansible shows the name of a task with its result only, where skipped hosts are not displayed.
        display.display(f"   ... {what}: {seconds:.0f} s, {said[-1].strip() or 'it goes on'}")
