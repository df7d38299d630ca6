#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: Put the configuration files of a service in place together
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Compares a set of files with what is on the machine, lets the programs that read them check the new ones, and only when all
    are accepted puts them in place. So a refused file leaves the whole set as it was.
  - Each file is replaced in one step, with its owner and mode, and is on the disk before; a power cut leaves the old one or the new one.
  - In check mode an owner may be yet to come, where M(ansible.builtin.user) would make it in the same run.
  - The set travels in one step, where M(ansible.builtin.template) takes several for each file, which matters on a slow connection.
extends_documentation_fragment:
  - cht.sync.attributes
options:
  directories:
    description:
      - Directories of the files, made where they are missing.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The directory.
        type: path
        required: true
      owner:
        description: Name of its owner.
        type: str
        default: root
      group:
        description: Name of its group.
        type: str
        default: root
      mode:
        description: Its mode, as V("0750").
        type: str
        default: "0755"
      purge:
        description: Patterns of files in it that are removed unless O(files) has them, as V(*.json).
        type: list
        elements: str
        default: []
  files:
    description:
      - The files, each with exactly one of O(files[].content) and O(files[].secret).
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The file.
        type: path
        required: true
      content:
        description: Its text, shown by C(--diff).
        type: str
      secret:
        description: Its text, never shown.
        type: str
      owner:
        description: Name of its owner.
        type: str
        default: root
      group:
        description: Name of its group.
        type: str
        default: root
      mode:
        description: Its mode, as V("0640").
        type: str
        default: "0644"
      validate:
        description:
          - Command that checks the new file before it takes the old one's place; V(%s) is its path. It runs without a shell.
          - In check mode it runs where the file and its program are there; else what the file needs may be yet to come.
        type: str
  program_changed:
    description:
      - Whether this run changes a program that checks files. In check mode the new one is not there yet, so nothing is checked.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Of a secret only that it changes.
"""

EXAMPLES = r"""
- name: Configure PostgREST
  cht.sync.config_files:
    directories:
      - {path: /etc/cht-sync/postgrest, group: cht-postgrest, mode: "0750"}
    files:
      - path: /etc/cht-sync/postgrest/jwt-secret
        secret: "{{ cht_sync_jwt_secret }}"
        owner: cht-postgrest
        group: cht-postgrest
        mode: "0400"
      - path: /etc/cht-sync/postgrest/postgrest.conf
        content: "{{ lookup('ansible.builtin.template', 'postgrest.conf.j2') }}"
        group: cht-postgrest
        mode: "0640"
        validate: /opt/cht-sync/postgrest/current/postgrest --dump-config %s
"""

RETURN = r"""
changed_files:
  description: Paths of the files and directories that were written, made, removed, or whose owner or mode was put right.
  returned: success
  type: list
  elements: str
  sample: [/etc/cht-sync/postgrest/postgrest.conf]
"""

import grp
import os
import pwd
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils._config_files import File, Refused, can_validate, left_over, validated

OWNER = {"owner": {"type": "str", "default": "root"}, "group": {"type": "str", "default": "root"}}
DIRECTORY = {
    "path": {"type": "path", "required": True},
    **OWNER,
    "mode": {"type": "str", "default": "0755"},
    "purge": {"type": "list", "elements": "str", "default": []},
}
FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    **OWNER,
    "mode": {"type": "str", "default": "0644"},
    "validate": {"type": "str"},
}


class Set:
    """The set of files on this machine."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.changed: list[str] = []
        self.differences: list[dict[str, str]] = []
        self.new: dict[str, str] = {}  # path -> where its new content lies

    def deploy(self) -> None:
        """Raises OSError and Refused; what was in use is then in use still."""
        os.umask(0o022)
        for options in self.module.params["directories"]:
            self._make(options)
        try:
            for options in self.module.params["files"]:
                self._prepare(File.of(options), options)
            self._replace()
        finally:
            for path in self.new.values():
                os.unlink(path)
        for options in self.module.params["directories"]:
            self._purge(options["path"], options["purge"])

    def _make(self, options: dict[str, Any]) -> None:
        path = options["path"]
        if os.path.isdir(path):
            self._put_right(path, options)
            return
        self._note(path, {"prepared": f"{path}: directory\n"})
        if not self.module.check_mode:
            os.makedirs(path)
            self._attributes(path, options)

    def _prepare(self, file: File, options: dict[str, Any]) -> None:
        """Notes what differs, and lets the new file be checked."""
        before = file.present()
        if before == file.content:
            self._put_right(file.path, options)
            return
        self._note(file.path, file.difference(before))
        if self.module.check_mode and (before is None or self.module.params["program_changed"] or not can_validate(file)):
            return
        # In the file's own directory, so that it takes its place in one step.
        self.new[file.path] = file.written_into(self.module.tmpdir if self.module.check_mode else os.path.dirname(file.path))
        validated(file, self.new[file.path], self.module.run_command)
        if not self.module.check_mode:
            self._attributes(self.new[file.path], options)

    def _replace(self) -> None:
        """Puts all new files in place, once nothing speaks against any of them."""
        if not self.module.check_mode:
            for path in list(self.new):
                os.replace(self.new.pop(path), path)

    def _purge(self, directory: str, patterns: list[str]) -> None:
        for path in left_over(directory, patterns, [options["path"] for options in self.module.params["files"]]):
            self._note(path, {"prepared": f"{path}: removed\n"})
            if not self.module.check_mode:
                os.unlink(path)

    def _put_right(self, path: str, options: dict[str, Any]) -> None:
        if self.module.check_mode and not known(options["owner"], options["group"]):
            # The user is yet to come, as a file's program may be.
            self._note(path, {"prepared": f"{path}: of {options['owner']}:{options['group']}\n"})
            return
        difference: dict[str, Any] = {}
        if self._attributes(path, options, difference):
            self._note(path, {"before_header": path, "after_header": path, **difference})

    def _attributes(self, path: str, options: dict[str, Any], difference: dict | None = None) -> bool:
        arguments = self.module.load_file_common_arguments({**options, "path": path})
        return self.module.set_fs_attributes_if_different(arguments, False, diff=difference)

    def _note(self, path: str, difference: dict[str, Any]) -> None:
        if path not in self.changed:
            self.changed.append(path)
        self.differences.append(difference)


def known(owner: str, group: str) -> bool:
    try:
        pwd.getpwnam(owner)
        grp.getgrnam(group)
    except KeyError:
        return False
    return True


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directories": {"type": "list", "elements": "dict", "default": [], "options": DIRECTORY},
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": FILE,
                "mutually_exclusive": [["content", "secret"]],
                "required_one_of": [["content", "secret"]],
            },
            "program_changed": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    files = Set(module)
    try:
        files.deploy()
    except Refused as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    result: dict[str, Any] = {"changed": bool(files.changed), "changed_files": files.changed}
    if module._diff:
        result["diff"] = files.differences
    module.exit_json(**result)


if __name__ == "__main__":
    main()
