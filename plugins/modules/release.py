#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Deploy directory trees as one release
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Copies directories from the controller into a directory named by their content, C(<root>/releases/<digest>), and points
    C(<root>/current) to it. So a file that vanished here vanishes there, and nobody sees a release half written.
  - All files travel in one step, which matters on a slow connection.
  - A release that somebody changed on the machine is written anew.
extends_documentation_fragment:
  - cht.sync.attributes
options:
  src:
    description:
      - Directories on the controller, each of its own name. What Python and git leave in them (C(__pycache__), C(.git)) is left out.
    type: list
    elements: path
    required: true
  root:
    description:
      - Directory of the releases on the target. It is made where it is missing.
    type: path
    required: true
  bundle:
    description:
      - What the action plugin read from O(src). Not for use in playbooks.
    type: dict
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Of a first release the names of its files.
"""

EXAMPLES = r"""
- name: Deploy the program
  cht.sync.release:
    src: [cht_engine, cht_relay]
    root: /opt/cht-sync/relay
"""

RETURN = r"""
release:
  description: The directory of the release, with one directory for each of O(src).
  returned: success
  type: str
  sample: /opt/cht-sync/relay/releases/0123456789ab
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils._release import Releases, decoded, difference


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "list", "elements": "path", "required": True},
            "root": {"type": "path", "required": True},
            "bundle": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    releases, files = Releases(module.params["root"]), decoded(module.params["bundle"] or {})
    changed = not releases.is_deployed(files)
    result = {"changed": changed, "release": str(releases.path(files))}
    if module._diff and changed:
        result["diff"] = difference(releases.current(), files)
    if changed and not module.check_mode:
        try:
            releases.deploy(files)
        except OSError as error:
            module.fail_json(msg=f"{module.params['root']}: {error.strerror}: {error.filename}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
