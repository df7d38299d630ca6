#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: superset_role
short_description: Manage a role of Superset, its permissions and its row-level security
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Creates, updates or removes a role, found by its name.
  - What is not given stays as it is. So without O(permissions), O(permissions_of), O(schemas) and O(datasets) the role's
    permissions are left alone, and without O(row_level_security) its rules are.
  - A rule is in force before the role may read anything new, and stays until it may no longer read.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.superset
options:
  state:
    description:
      - Whether the role should be there. With V(absent) its rules of row-level security go too, and accounts that have it
        lose it. Superset's own roles (Admin, Alpha, Gamma, sql_lab, Public) cannot be removed.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the role.
    type: str
    required: true
  permissions:
    description:
      - What the role may do, as Superset shows it, for example C(can_read on Dashboard).
    type: list
    elements: str
  permissions_of:
    description:
      - Roles whose permissions this one has too, as they are at the time, for example V(Gamma).
    type: list
    elements: str
  database:
    description:
      - Name or uuid of the connection that O(schemas) and names of datasets are of.
    type: str
  schemas:
    description:
      - Schemas of O(database) that the role may read, with all that is in them now and later.
    type: list
    elements: str
  datasets:
    description:
      - Datasets that the role may read, each by its uuid or as C(schema.table).
    type: list
    elements: str
  permissions_mode:
    description:
      - V(exact) takes away permissions that are not given here, V(add) leaves them.
      - Admin, Alpha, Gamma and sql_lab can only be added to, since Superset sets them up again at each upgrade.
    type: str
    choices: [exact, add]
    default: exact
  row_level_security:
    description:
      - Rules that decide which rows of a dataset this role sees. Rules that are this role's alone and not in the list are
        removed; those that it shares with other roles are never touched.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the rule, unique in Superset.
        type: str
        required: true
      filter_type:
        description:
          - With V(Regular) the rule holds for this role, with V(Base) for everyone but this role.
        type: str
        choices: [Regular, Base]
        default: Regular
      datasets:
        description:
          - Datasets it holds for, each by its uuid or as C(schema.table).
        type: list
        elements: str
        required: true
      clause:
        description:
          - Condition in SQL, for example C(area_uuid = '...').
        type: str
        required: true
      group_key:
        description:
          - Of rules with the same key, one must be true, so that somebody with two areas sees both. Rules with different
            keys, or none, must all be true.
        type: str
attributes:
  check_mode:
    support: full
    details: Roles, schemas and datasets that are not there are a warning, since a task before may be about to make them.
  diff_mode:
    support: full
seealso:
  - module: cht.sync.superset_user
  - module: cht.sync.superset_dashboard
"""

EXAMPLES = r"""
- name: Let analysts read the marts, and query them in SQL Lab
  cht.sync.superset_role:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    name: analyst
    permissions_of: [Gamma, sql_lab]
    database: CHT warehouse
    schemas: [marts]

- name: Let the supervisor of an area see the rows of that area
  cht.sync.superset_role:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    name: area Kisumu
    permissions: [can_read on Dashboard, can_read on Chart, can_read on Dataset]
    database: CHT warehouse
    datasets: [marts.rpt_data_record]
    row_level_security:
      - name: area Kisumu
        datasets: [marts.rpt_data_record]
        clause: area_uuid = '7d1b2b8e-6a0e-4b7e-9a3b-1f3c8f2f0a11'
        group_key: area

- name: Let nobody read without an account
  cht.sync.superset_role:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    name: Public
    permissions: []
"""

RETURN = r"""
role:
  description: The role afterwards. The id is lacking where there is none, or where check mode would have made it.
  returned: success
  type: dict
  sample: {id: 7, name: analyst}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _superset
from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests
from ansible_collections.cht.sync.plugins.module_utils._superset_role import Role


def main() -> None:
    rule = {
        "name": {"type": "str", "required": True},
        "filter_type": {"type": "str", "choices": ["Regular", "Base"], "default": "Regular"},
        "datasets": {"type": "list", "elements": "str", "required": True},
        "clause": {"type": "str", "required": True},
        "group_key": {"type": "str", "no_log": False},
    }
    module = AnsibleModule(
        argument_spec={
            **_superset.connection_argument_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "permissions": {"type": "list", "elements": "str"},
            "permissions_of": {"type": "list", "elements": "str"},
            "database": {"type": "str"},
            "schemas": {"type": "list", "elements": "str"},
            "datasets": {"type": "list", "elements": "str"},
            "permissions_mode": {"type": "str", "choices": ["exact", "add"], "default": "exact"},
            "row_level_security": {"type": "list", "elements": "dict", "options": rule},
        },
        required_by={"schemas": ["database"]},
        supports_check_mode=True,
    )
    require_requests(module)
    try:
        outcome = Role(_superset.Superset(module.params), module.params, module.check_mode).converge()
    except _superset.SupersetError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.pop("warnings"):
        module.warn(warning)
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
