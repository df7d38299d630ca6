#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_info
short_description: Compare when systemd units were started with when their files were changed
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Compares the time at which a unit was started with the last change of the files that it reads, configuration and code.
  - So a change that was written by a run which ended before the restart is found by the next run, and by a check that changes nothing.
extends_documentation_fragment:
  - cht.sync.attributes
options:
  units:
    description:
      - The units to compare.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name, with its kind, as V(cron.service).
        type: str
        required: true
      reads:
        description:
          - Paths of what it reads when it starts. Its own files in C(/etc) count without being named.
          - A link counts itself, and the file that it points to. A directory counts everything below it; a link to a directory
            does with a slash at its end.
          - A path that is not there does not count.
        type: list
        elements: str
        default: []
      rereads:
        description: Paths of what it reads again when it is reloaded.
        type: list
        elements: str
        default: []
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Look whether PostgREST runs with what is written
  cht.sync.unit_info:
    units:
      - name: cht-sync-postgrest.service
        reads: [/etc/cht-sync/postgrest, /etc/systemd/system/cht-sync-postgrest.service]
  register: found

- name: Start it, or restart it
  ansible.builtin.systemd_service:
    name: cht-sync-postgrest.service
    state: "{{ found.units[0].wanted }}"
"""

RETURN = r"""
units:
  description: The units, in the order of O(units).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: As in O(units[].name).
      type: str
      sample: cht-sync-postgrest.service
    loaded:
      description: Whether systemd knows the unit.
      type: bool
    active:
      description: Whether it runs, or is about to.
      type: bool
    settled:
      description: Whether nothing has to be done that it runs with what is written, and starts with the machine.
      type: bool
    began:
      description: When its process was started last, or a unit without a process became active; empty for never. UTC.
      type: str
      sample: "2026-11-30T18:32:40+00:00"
    newer:
      description: The paths of O(units[].reads) and O(units[].rereads) that were changed after it read them.
      type: list
      elements: str
      sample: [/etc/cht-sync/postgrest]
    wanted:
      description: The O(ansible.builtin.systemd_service#module:state) that makes it run with what is written.
      type: str
      sample: restarted
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils._units import SHOW, describe, parse

UNIT = {
    "name": {"type": "str", "required": True},
    "reads": {"type": "list", "elements": "str", "default": []},
    "rereads": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={"units": {"type": "list", "elements": "dict", "required": True, "options": UNIT}},
        supports_check_mode=True,
    )
    units = module.params["units"]
    status, output, errors = module.run_command([*SHOW, *(unit["name"] for unit in units)], environ_update={"LC_ALL": "C"})
    if status != 0:
        module.fail_json(msg=f"systemd does not answer: {errors.strip()}")
    module.exit_json(changed=False, units=[describe(unit, found) for unit, found in zip(units, parse(output))])


if __name__ == "__main__":
    main()
