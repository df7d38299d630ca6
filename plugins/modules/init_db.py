#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: init_db
short_description: Set up the warehouse's schemas, tables, functions and grants
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Brings a PostgreSQL database to the state that a directory of SQL describes, in one transaction.
  - Migrations run once, in order, and are remembered with their checksum; functions and grants run each time,
    and count as a change only where the catalog differs afterwards. So a right that somebody revoked by hand is given back.
  - Keeps the list of sources, and which engine may feed each, equal to the inventory.
  - Data is never dropped. A database that is newer than the SQL is refused.
extends_documentation_fragment:
  - cht.sync.postgresql
options:
  src:
    description:
      - Directory with C(migrations/NNNN_name.sql), C(functions/*.sql) and C(grants.sql).
      - Read on the controller, relative paths in the role's C(files), unless O(remote_src=true).
    type: path
    required: true
  remote_src:
    description:
      - Whether O(src) lies on the target.
    type: bool
    default: false
  bundle:
    description:
      - What the action plugin read from O(src). Not for use in playbooks.
    type: dict
  owner:
    description:
      - Role that owns what the migrations and functions create. It must exist.
    type: str
    default: cht_owner
  schemas:
    description:
      - Schemas to create and their owners. The first one keeps the record of the migrations.
    type: list
    elements: dict
    default:
      - {name: v1, owner: cht_owner}
      - {name: api, owner: cht_owner}
    suboptions:
      name:
        description: Name of the schema.
        type: str
        required: true
      owner:
        description: Role that owns it.
        type: str
        required: true
  sources:
    description:
      - All sources of the inventory. One that is no longer listed keeps its documents and can no longer be fed.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: Name of the source, C(<couchdb host>/<database>).
        type: str
        required: true
      engine:
        description: The engine that may feed it.
        type: str
        required: true
        choices: [logstash, relay]
attributes:
  check_mode:
    description: Can run in check mode and tell what would change.
    support: full
    details: The transaction runs and is rolled back.
  diff_mode:
    description: Returns what changed or would change.
    support: full
    details: Shows the SQL of pending migrations, and functions, views, rights and sources before and after.
seealso:
  - module: community.postgresql.postgresql_db
  - module: community.postgresql.postgresql_user
"""

EXAMPLES = r"""
- name: Set up the warehouse over the server's Unix socket
  become: true
  become_user: postgres
  cht.sync.init_db:
    login_db: cht_sync
    src: sql
    sources:
      - source: cht.example.org/medic
        engine: relay

- name: Set up the warehouse on an external server
  cht.sync.init_db:
    login_host: db.example.org
    login_user: admin
    login_password: "{{ init_db_login_password }}"
    login_db: cht_sync
    ssl_mode: verify-full
    ca_cert: /etc/ssl/certs/ca-certificates.crt
    src: sql
"""

RETURN = r"""
version:
  description: Number of the newest migration in the database afterwards.
  returned: success
  type: int
  sample: 1
migrations:
  description: Names of the migrations that ran (in check mode, would run).
  returned: success
  type: list
  elements: str
  sample: [0001_raw_tables.sql]
queries:
  description: The SQL that ran, migrations whole, in order.
  returned: success
  type: list
  elements: str
sources:
  description: All sources the database knows afterwards. engine is null for one no longer in the inventory.
  returned: success
  type: list
  elements: dict
  sample: [{source: cht.example.org/medic, engine: relay}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _postgres
from ansible_collections.cht.sync.plugins.module_utils._sql_bundle import BundleError, read_bundle
from ansible_collections.cht.sync.plugins.module_utils._warehouse import Warehouse, WarehouseError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_postgres.connection_argument_spec(),
            "src": {"type": "path", "required": True},
            "remote_src": {"type": "bool", "default": False},
            "bundle": {"type": "dict"},
            "owner": {"type": "str", "default": "cht_owner"},
            "schemas": {
                "type": "list",
                "elements": "dict",
                "default": [{"name": "v1", "owner": "cht_owner"}, {"name": "api", "owner": "cht_owner"}],
                "options": {
                    "name": {"type": "str", "required": True},
                    "owner": {"type": "str", "required": True},
                },
            },
            "sources": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "source": {"type": "str", "required": True},
                    "engine": {"type": "str", "required": True, "choices": ["logstash", "relay"]},
                },
            },
        },
        supports_check_mode=True,
    )
    _postgres.require_psycopg2(module)
    params = module.params

    try:
        bundle = params["bundle"] or read_bundle(params["src"])
    except BundleError as error:
        module.fail_json(msg=f"src: {error}")

    try:
        connection = _postgres.connect(params)
    except _postgres.psycopg2.OperationalError as error:
        if module.check_mode and _is_missing_database(error, params["login_db"]):
            # The task before this one would have created it.
            names = [file["name"] for file in bundle["migrations"]]
            module.exit_json(
                changed=True,
                version=len(names),
                migrations=names,
                queries=[],
                sources=params["sources"],
                diff={"before": "", "after": "".join(file["sql"] for file in bundle["migrations"])},
            )
        module.fail_json(msg=_postgres.connection_advice(params, error))

    try:
        warehouse = Warehouse(connection, owner=params["owner"], schemas=params["schemas"])
        outcome = warehouse.converge(bundle, params["sources"], dry_run=module.check_mode)
    except WarehouseError as error:
        module.fail_json(msg=str(error))
    finally:
        connection.close()
    module.exit_json(**outcome)


def _is_missing_database(error: Exception, database: str) -> bool:
    # libpq gives no SQLSTATE for a failed connection, only the server's message.
    return f'database "{database}" does not exist' in str(error)


if __name__ == "__main__":
    main()
