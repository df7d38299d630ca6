#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: superset_health_info
short_description: Ask Superset whether dashboards and datasets answer, and what it gives without a login
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Asks Superset what people rely on - whether it answers, whether an account can log in, whether dashboards are there, and whether
    the datasets that they read answer each of their metrics, from the database and not from the cache.
  - Asks too what nobody should get without an account.
  - It does not fail where something is not as it should be, and returns what is, so that it can be asserted. No row of data is
    returned.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.superset
options:
  dashboards:
    description:
      - Uuids of the dashboards to ask for.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: cht.sync.superset_dashboard_info
"""

EXAMPLES = r"""
- name: Ask Superset how it is
  cht.sync.superset_health_info:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    dashboards: [5c0a1d0e-6f0b-4d57-9d0c-1f1c37b6a301]
  register: found

- name: Verify that all datasets answer
  ansible.builtin.assert:
    that: found.datasets | rejectattr('answers') | length == 0
    fail_msg: "{{ found.datasets | rejectattr('answers') | map(attribute='reason') | join(', ') }}"
"""

RETURN = r"""
health:
  description: Whether it answers at all. Where it does not, nothing else is asked.
  returned: success
  type: dict
  contains:
    status:
      description: Status of the answer, V(200) where it is well. Null where there is none.
      type: int
    reason:
      description: Why there is none.
      type: str
anonymous:
  description: The answer to a call without an account.
  returned: success
  type: dict
  contains:
    status:
      description: Status of the answer, V(401) where nobody reads without an account.
      type: int
content_security_policy:
  description: What the login page may do, as its answer says to browsers.
  returned: success
  type: str
  sample: default-src 'self'
login:
  description: Whether O(username) can log in with O(password). Where it cannot, nothing below is asked.
  returned: success
  type: dict
  contains:
    status:
      description: V(200) where it can, V(401) where the password is wrong. Null where there is no answer.
      type: int
    reason:
      description: Why it cannot.
      type: str
public_permissions:
  description: What Superset's role Public may do, which everybody has who has no account.
  returned: success
  type: list
  elements: str
  sample: [can_read on Dashboard]
dashboards:
  description: The dashboards that were named.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: Its uuid.
      type: str
    found:
      description: Whether it is there.
      type: bool
    has_charts:
      description: Whether it has charts that read a dataset.
      type: bool
    reason:
      description: Why nothing is known of it.
      type: str
datasets:
  description: The datasets that the charts of these dashboards read, each once.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its number.
      type: int
    name:
      description: Its table.
      type: str
    dashboards:
      description: Uuids of the dashboards that read it.
      type: list
      elements: str
    answers:
      description: Whether all its metrics were answered.
      type: bool
    reason:
      description: Why not.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _superset
from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests
from ansible_collections.cht.sync.plugins.module_utils._superset_health import examine


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_superset.connection_argument_spec(),
            "dashboards": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    require_requests(module)
    try:
        module.exit_json(changed=False, **examine(module.params))
    except _superset.SupersetError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
