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
  - Takes over databases of upstream's cht-sync in place, some rows a run; run it until RV(adoption[].finished) is true of all.
  - Data is never dropped, but old tables on demand. A database that is newer than the SQL is refused.
extends_documentation_fragment:
  - cht.sync.attributes
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
      - Role that owns what the migrations and functions create. It must exist, but in check mode.
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
  roles:
    description:
      - Roles that C(grants.sql) names, and which must exist.
      - In check mode those that are missing, which a task before this one would have created, are made and rolled back too.
    type: list
    elements: str
    default: []
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
  renames:
    description:
      - Sources that get another name, with their documents, each of which is written again. One transaction.
      - A rename that was done before changes nothing. What the tables in O(adopt) call their sources is renamed likewise.
      - A C(source_prefix) in the inventory keeps the old name instead, and costs nothing.
    type: list
    elements: dict
    default: []
    suboptions:
      from:
        description: Name until now. The inventory must not have it.
        type: str
        required: true
      to:
        description: New name, which the inventory has.
        type: str
        required: true
  adopt:
    description:
      - Tables of upstream's cht-sync in this database that are taken over into the raw table.
      - Which kind a table is, is told from its columns. Upstream must not write to it any more.
      - Tables named like ours move to schema C(upstream). All stay as they are, unless O(drop_adopted=true).
      - Until a table is done its sources cannot be fed.
    type: list
    elements: dict
    default: []
    suboptions:
      table:
        description: Table, C(<schema>.<table>), as it was named when its adoption began.
        type: str
        required: true
      source:
        description:
          - Source of its rows, C(<couchdb host>/<database>), one of O(sources).
          - Required for a table of the Logstash era. One of v2 names its sources; there it is for rows that name none.
        type: str
  adopt_seconds:
    description:
      - How long one run takes over rows, in seconds; at least one batch.
    type: float
    default: 60
  drop_adopted:
    description:
      - Whether tables that are taken over to the end are dropped, v2's C(couchdb_progress) beside them too.
      - What depends on them is never dropped; then this fails.
    type: bool
    default: false
  quarantine_keep_days:
    description:
      - Days after which rows that could not land, and whose document landed later, are removed.
    type: int
    default: 90
attributes:
  check_mode:
    support: full
    details: The transaction runs and is rolled back. Rows are not taken over, and the documents of a renamed source left alone.
  diff_mode:
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

- name: Take over a database of cht-sync v2
  cht.sync.init_db:
    login_db: cht_sync
    src: sql
    sources:
      - source: cht.example.org/medic
        engine: relay
    adopt:
      - table: v1.couchdb
  register: warehouse
  until: warehouse.adoption | rejectattr('finished') | length == 0
  retries: 100
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
adoption:
  description: One entry a table that is, was or (in check mode) would be taken over.
  returned: success
  type: list
  elements: dict
  contains:
    table:
      description: Its name, as in O(adopt).
      type: str
    kind:
      description: V(logstash) or V(v2).
      type: str
    sources:
      description: The sources its rows belong to, as they are called here.
      type: list
      elements: str
    estimate:
      description: About how many rows it has.
      type: int
    rows:
      description: How many of its rows were read.
      type: int
    done:
      description: How much of it that is, in percent; 100 only when it is finished.
      type: int
    finished:
      description: Whether all of it is taken over.
      type: bool
    dropped:
      description: Whether it was dropped thereafter.
      type: bool
  sample: [{table: v1.couchdb, kind: v2, sources: [cht.example.org/medic], estimate: 4800000, rows: 1200000, done: 25,
            finished: false, dropped: false}]
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
            "roles": {"type": "list", "elements": "str", "default": []},
            "sources": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "source": {"type": "str", "required": True},
                    "engine": {"type": "str", "required": True, "choices": ["logstash", "relay"]},
                },
            },
            "renames": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "from": {"type": "str", "required": True},
                    "to": {"type": "str", "required": True},
                },
            },
            "adopt": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "table": {"type": "str", "required": True},
                    "source": {"type": "str"},
                },
            },
            "adopt_seconds": {"type": "float", "default": 60},
            "drop_adopted": {"type": "bool", "default": False},
            "quarantine_keep_days": {"type": "int", "default": 90},
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
                adoption=[],
                diff={"before": "", "after": "".join(file["sql"] for file in bundle["migrations"])},
            )
        module.fail_json(msg=_postgres.connection_advice(params, error))

    try:
        warehouse = Warehouse(connection, owner=params["owner"], schemas=params["schemas"])
        outcome = _converge(warehouse, bundle, params, module.check_mode)
    except WarehouseError as error:
        module.fail_json(msg=str(error))
    finally:
        connection.close()
    module.exit_json(**outcome)


def _converge(warehouse, bundle, params, dry_run):
    outcome = warehouse.converge(
        bundle,
        params["sources"],
        dry_run,
        renames=params["renames"],
        adopt=params["adopt"],
        settings={"quarantine_keep_days": str(params["quarantine_keep_days"])},
        roles=params["roles"],
    )
    if dry_run:
        outcome["changed"] |= not all(row["finished"] for row in outcome["adoption"])
    elif outcome["adoption"]:
        outcome["changed"] |= warehouse.adopt(params["adopt_seconds"])
        outcome["adoption"] = warehouse.adoptions()
    if params["drop_adopted"] and any(row["finished"] and not row["dropped"] for row in outcome["adoption"]):
        outcome["changed"] |= warehouse.drop_adopted(dry_run)
        outcome["adoption"] = warehouse.adoptions()
    outcome["queries"] = warehouse.queries if outcome["changed"] else []
    return outcome


def _is_missing_database(error: Exception, database: str) -> bool:
    # libpq gives no SQLSTATE for a failed connection, only the server's message.
    return f'database "{database}" does not exist' in str(error)


if __name__ == "__main__":
    main()
