#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: couchdb_info
short_description: Ask CouchDB, or the CHT before it, whether an account can read whole databases
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Asks CouchDB for databases as the sync engines do, with each database's address in full and no redirect followed.
  - It fails where one of them cannot be read, and says what the answer means and what to do.
  - An account that sees less than a database holds, as CHT's offline users do, fails too. Its feed looks whole and is not.
  - The first database is asked for before the others, since CouchDB locks an account after five refused tries. Over http it is asked
    for without the password first, which must not travel in clear to a server that wants https.
  - Needs nothing on the target but Python.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.couchdb
options:
  databases:
    description:
      - Names of the databases.
    type: list
    elements: str
    required: true
  timeout:
    description:
      - Seconds to wait for an answer.
    type: int
    default: 20
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
"""

EXAMPLES = r"""
- name: Ask whether the account can read what is to be copied
  cht.sync.couchdb_info:
    url: https://cht.example.org
    username: analytics
    password: "{{ couchdb_password }}"
    databases: [medic, medic-sentinel, medic-users-meta]
  register: found

- name: Say what answers
  ansible.builtin.debug:
    msg: "{{ found.server.description }}"
"""

RETURN = r"""
server:
  description: What answers at O(url).
  returned: success
  type: dict
  contains:
    kind:
      description: >-
        V(cht) for a CHT, which its API says; V(couchdb) for CouchDB itself, which has no such API and welcomes as CouchDB;
        V(unknown) for anything else that answers as CouchDB does.
      type: str
      sample: cht
    version:
      description: Its version; empty where it is not known.
      type: str
      sample: 4.21.0
    description:
      description: The same in words.
      type: str
      sample: CHT, version 4.21.0
databases:
  description: The databases, in the order of O(databases).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: As in O(databases).
      type: str
      sample: medic
    doc_count:
      description: How many documents it holds, without deleted ones.
      type: int
    doc_del_count:
      description: How many deleted ones it still knows; null where that is not said.
      type: int
    instance_start_time:
      description: When the database was made, as CouchDB writes it; null where that is not said.
      type: str
kind:
  description: >-
    What is wrong, in a word - V(password), V(locked), V(offline), V(member), V(forbidden), V(missing), V(limited), V(redirect), V(not_http),
    V(not_https), V(no_handshake), V(untrusted), V(name), V(out_of_time), V(ca_file), V(maintenance), V(unwell), V(no_json), V(partial), V(broken),
    V(unreachable), V(odd).
  returned: failure
  type: str
  sample: offline
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils._couchdb import CouchDB, CouchDBError, connection_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "databases": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    params = module.params
    url, names = params["url"].rstrip("/"), params["databases"]
    couchdb = CouchDB(url, params["username"], params["password"], params["ca_file"], params["timeout"], params["ca_pem"])
    try:
        if names and url.startswith("http://"):
            couchdb.is_fit_for_password(names[0])
        databases = [_described(name, couchdb.info(name)) for name in names]
        server = couchdb.server()
    except CouchDBError as error:
        module.fail_json(msg=str(error), kind=error.kind)
    found = {"kind": server.kind, "version": server.version, "description": str(server)}
    module.exit_json(changed=False, server=found, databases=databases)


def _described(name, info):
    return {"name": name, **{key: info.get(key) for key in ("doc_count", "doc_del_count", "instance_start_time")}}


if __name__ == "__main__":
    main()
