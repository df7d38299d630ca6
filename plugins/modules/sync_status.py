#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sync_status
short_description: How far each source is copied
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Asks CouchDB how many documents each database holds, and the warehouse how many of them it has, how far it is and since when.
  - Reads only, and no documents.
extends_documentation_fragment:
  - cht.sync.postgresql
options:
  feeds:
    description:
      - The sources, as the filter P(cht.sync.feeds#filter) gives them.
    type: list
    elements: dict
    required: true
  passwords:
    description:
      - Passwords of the CouchDB accounts, by the C(name) of the instance.
    type: dict
    required: true
  timeout:
    description:
      - Seconds to wait for CouchDB.
    type: int
    default: 30
attributes:
  check_mode:
    description: Can run in check mode and tell what would change.
    support: full
  diff_mode:
    description: Returns what changed or would change.
    support: none
    details: Nothing is ever changed.
requirements:
  - requests (Debian package C(python3-requests)) on the target
"""

EXAMPLES = r"""
- name: Ask how far the sources are copied
  cht.sync.sync_status:
    login_host: 127.0.0.1
    login_user: monitor
    login_password: "{{ cht_sync_monitor_password }}"
    login_db: cht_sync
    feeds: "{{ cht_sync_sources | cht.sync.feeds }}"
    passwords: "{{ dict(cht_sync_sources | map(attribute='name') | zip(cht_sync_sources | map(attribute='password'))) }}"
  register: status
"""

RETURN = r"""
sources:
  description: One entry a source.
  returned: success
  type: list
  elements: dict
  contains:
    source:
      description: Name of the source.
      type: str
    engine:
      description: The engine that feeds it; null where the database does not know the source.
      type: str
    couchdb:
      description: Documents in CouchDB, without design documents and deleted ones.
      type: int
    postgresql:
      description: Documents in PostgreSQL, without deleted ones.
      type: int
    deleted:
      description: Documents in PostgreSQL that are marked as deleted.
      type: int
    seq:
      description: The delivered position; null before the first call.
      type: str
    pending:
      description: Changes still to come, as CouchDB last reported; null where it reports none.
      type: int
    age:
      description: Seconds since the engine last called; null before the first call.
      type: float
    quarantined:
      description: Changes that could not land and wait for the operator.
      type: int
    collisions:
      description: Documents whose id belongs to another source, kept apart.
      type: int
    in_step:
      description: Whether everything CouchDB holds has arrived.
      type: bool
in_step:
  description: Whether all sources are in step.
  returned: success
  type: bool
table:
  description: The same as lines of text.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _postgres, _status
from ansible_collections.cht.sync.plugins.module_utils._couchdb import CouchDBError, document_count
from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_postgres.connection_argument_spec(),
            "feeds": {"type": "list", "elements": "dict", "required": True},
            "passwords": {"type": "dict", "required": True, "no_log": True},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    _postgres.require_psycopg2(module)
    require_requests(module)
    params = module.params
    try:
        connection = _postgres.connect(params)
    except _postgres.psycopg2.OperationalError as error:
        module.fail_json(msg=_postgres.connection_advice(params, error))
    try:
        known = _status.warehouse(connection)
    except _postgres.psycopg2.Error as error:
        module.fail_json(msg=f"The warehouse does not tell its state: {str(error).strip()}. Run site.yml.")
    finally:
        connection.close()

    sources = []
    for feed in params["feeds"]:
        try:
            count = document_count(feed, params["passwords"].get(feed["name"], ""), params["timeout"])
        except CouchDBError as error:
            module.fail_json(msg=f"{feed['source']}: {error}", sources=sources)
        sources.append(_status.entry(feed["source"], count, known))
    module.exit_json(
        changed=False, sources=sources, table=_status.table(sources), in_step=all(entry["in_step"] for entry in sources)
    )


if __name__ == "__main__":
    main()
