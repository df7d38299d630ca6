#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: superset_user
short_description: Manage an account of Superset
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Creates, updates or removes an account, found by its user name. What is not given stays as it is.
  - Superset never tells a stored password. Whether it still is the right one is found by logging in with it, which counts
    as a login of that account, and as a failed one where it is not.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.superset
options:
  state:
    description:
      - Whether the account should be there. Superset keeps accounts that made something, such as a dashboard; such a one
        can only be closed with O(active=false). The account one is logged in with is never removed.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - User name of the account. O(username) is the one that the module logs in with.
    type: str
    required: true
  user_password:
    description:
      - Password of the account. Required for a new one.
    type: str
  update_password:
    description:
      - V(always) sets the password where the account does not accept it, V(on_create) leaves the one that a person has set.
      - An account that is not active accepts none, so for that one the password is only set when it becomes active.
    type: str
    choices: [always, on_create]
    default: always
  first_name:
    description:
      - First name. Where it is not given, a new account has O(name).
    type: str
  last_name:
    description:
      - Last name. Where it is not given, a new account has O(name).
    type: str
  email:
    description:
      - Address, unique in Superset. Where it is not given, a new account has its name at C(localhost), to which nothing is sent.
    type: str
  active:
    description:
      - Whether the account can log in.
    type: bool
    default: true
  roles:
    description:
      - Names of the account's roles, all of them. Required for a new account.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
    details: A role that is not there is a warning, since a task before may be about to make it.
  diff_mode:
    support: full
    details: The password is shown as right or wrong, never itself.
seealso:
  - module: cht.sync.superset_role
"""

EXAMPLES = r"""
- name: Make an account for a data officer
  cht.sync.superset_user:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    name: wanjiru
    user_password: "{{ wanjiru_password }}"
    first_name: Wanjiru
    last_name: Kamau
    email: wanjiru@example.org
    roles: [data_officer]

- name: Close an account
  cht.sync.superset_user:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    name: otieno
    active: false
"""

RETURN = r"""
user:
  description: The account afterwards. The id is lacking where there is none, or where check mode would have made it.
  returned: success
  type: dict
  sample: {id: 4, username: wanjiru}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _superset
from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests
from ansible_collections.cht.sync.plugins.module_utils._superset_accounts import Account


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_superset.connection_argument_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "user_password": {"type": "str", "no_log": True},
            "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
            "first_name": {"type": "str"},
            "last_name": {"type": "str"},
            "email": {"type": "str"},
            "active": {"type": "bool", "default": True},
            "roles": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    require_requests(module)
    try:
        outcome = Account(_superset.Superset(module.params), module.params, module.check_mode).converge()
    except _superset.SupersetError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.pop("warnings"):
        module.warn(warning)
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
