#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: couchdb_account
short_description: Manage an account of CouchDB that reads some databases and writes to none
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Asks as O(username), which must be an administrator of CouchDB.
  - Makes the account, or repairs its password and roles, and makes it a member of the databases.
  - A member of a database may write to it. So the module puts the design document C(_design/cht-sync-read-only) into each of them,
    whose C(validate_doc_update) refuses every write of the account. Other accounts and administrators write as before.
  - All other members and administrators of the databases stay. A database without any member is open to every account and stays so.
  - Everything is looked at before anything is changed. A password that is refused is tried once.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.couchdb
options:
  state:
    description:
      - Whether the account should be there. V(absent) removes it, takes it out of the members, and removes the design document
        where it refuses nobody else's writes. A database whose only member it was is left to administrators, not to everybody.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the account. An administrator and a person's account at a place are refused.
    type: str
    required: true
  user_password:
    description:
      - Password of the account. Whether it still is the right one is found without a login. Required if O(state=present).
    type: str
  databases:
    description:
      - Names of the databases that it reads.
    type: list
    elements: str
    required: true
  account_url:
    description:
      - Address at which the account will be used, if it is another one than O(url).
    type: str
  online:
    description:
      - Whether it will be used through a CHT, whose API lets an account see all documents only if it has the role C(mm-online).
        It has no other role in any case.
      - If not given, it is found by asking O(account_url).
    type: bool
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The password is shown as right or another, never itself.
seealso:
  - module: cht.sync.couchdb_account_info
"""

EXAMPLES = r"""
- name: Make the account that the engine reads with
  cht.sync.couchdb_account:
    url: https://cht.example.org
    username: "{{ couchdb_admin }}"
    password: "{{ couchdb_admin_password }}"
    name: analytics
    user_password: "{{ couchdb_password }}"
    databases: [medic, medic-sentinel, medic-users-meta]

- name: Remove it
  cht.sync.couchdb_account:
    url: http://couchdb.internal:5984
    username: "{{ couchdb_admin }}"
    password: "{{ couchdb_admin_password }}"
    name: analytics
    databases: [medic, medic-sentinel, medic-users-meta]
    state: absent
"""

RETURN = r"""
steps:
  description: What was changed, or would be, in this order.
  returned: success
  type: list
  elements: str
  sample: [make the account analytics, make analytics a member of medic]
online:
  description: Whether the account is for the API of a CHT; null with O(state=absent).
  returned: success
  type: bool
open_databases:
  description: Databases that every account of CouchDB may read, since they have no members.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils._couchdb import connection_argument_spec
from ansible_collections.cht.sync.plugins.module_utils._couchdb_account import Account, is_cht
from ansible_collections.cht.sync.plugins.module_utils._couchdb_client import ADMINISTRATOR_REMEDIES, CouchDBRefusal, Documents


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **connection_argument_spec(),
            "name": {"type": "str", "required": True},
            "user_password": {"type": "str", "no_log": True},
            "databases": {"type": "list", "elements": "str", "required": True},
            "account_url": {"type": "str"},
            "online": {"type": "bool"},
        },
        required_if=[("state", "present", ["user_password"])],
        supports_check_mode=True,
    )
    params = module.params
    try:
        couchdb = Documents(params["url"], params["username"], params["password"], params["ca_file"], ADMINISTRATOR_REMEDIES, params["ca_pem"])
        online = _online(params)
        result = Account(couchdb, params, bool(online), module.check_mode).converge()
    except CouchDBRefusal as error:
        module.fail_json(msg=str(error))
    module.exit_json(online=online, **result)


def _online(params):
    """Whether it goes through a CHT; None where it is to be removed."""
    if params["state"] == "absent":
        return None
    if params["online"] is not None:
        return params["online"]
    where = params["account_url"] or params["url"]
    return is_cht(Documents(where, params["name"], params["user_password"], params["ca_file"], ca_pem=params["ca_pem"]))


if __name__ == "__main__":
    main()
