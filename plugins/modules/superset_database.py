#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: superset_database
short_description: Manage a database connection of Superset
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Creates, updates or removes a connection, found by its uuid, so that datasets can name it.
  - Superset never tells a stored password. Whether it still is the right one is found by trying the connection.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.superset
options:
  state:
    description:
      - Whether the connection should be there. One that datasets use is not removed.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name that people see. Required with O(state=present).
    type: str
  uuid:
    description:
      - Its identity, which datasets in bundles name as C(database_uuid).
    type: str
    required: true
  sqlalchemy_uri:
    description:
      - Address of the database, without password. Required with O(state=present).
    type: str
  sqlalchemy_password:
    description:
      - Password to put into it.
    type: str
  expose_in_sqllab:
    description:
      - Whether people with access to SQL Lab can query it there.
    type: bool
    default: true
  cache_timeout:
    description:
      - Seconds that results may come from the cache. Superset's own default where this is not given.
    type: int
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The password is shown as unchanged or changed, never itself.
seealso:
  - module: cht.sync.superset_dashboard
"""

EXAMPLES = r"""
- name: Connect Superset to the warehouse
  cht.sync.superset_database:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    name: CHT warehouse
    uuid: 5c0a1d0e-6f0b-4d57-9d0c-1f1c37b6a001
    sqlalchemy_uri: postgresql+psycopg2://superset_reader@127.0.0.1:5432/cht_sync
    sqlalchemy_password: "{{ cht_sync_superset_reader_password }}"
"""

RETURN = r"""
database:
  description: The connection afterwards. The id is lacking where there is none, or where check mode would have made it.
  returned: success
  type: dict
  sample: {id: 1, name: CHT warehouse, uuid: 5c0a1d0e-6f0b-4d57-9d0c-1f1c37b6a001}
"""

from urllib.parse import parse_qsl, quote, urlencode

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests
from ansible_collections.cht.sync.plugins.module_utils import _superset
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import MASK

# An export would carry these too, and they are no choice of the operator's: dashboards only read.
READ_ONLY = {"allow_ctas": False, "allow_cvas": False, "allow_dml": False, "allow_file_upload": False}


class Connection:
    """One connection: what Superset has, and what it should have."""

    def __init__(self, superset: _superset.Superset, params: dict) -> None:
        self.superset = superset
        self.params = params
        self.id = superset.find("databases", params["uuid"])
        named = superset.find("databases", params["name"], "database_name")
        if named not in (None, self.id):
            raise _superset.SupersetError(
                f'Superset has a database connection "{params["name"]}" with another uuid: rename that one in Superset, or '
                "give its uuid (an export of it shows it)"
            )
        self.wanted = {
            "database_name": params["name"],
            "sqlalchemy_uri": canonical(
                _with_password(params["sqlalchemy_uri"], MASK if params["sqlalchemy_password"] else None)
            ),
            "expose_in_sqllab": params["expose_in_sqllab"],
            "cache_timeout": params["cache_timeout"],
            **READ_ONLY,
        }

    def converge(self, dry_run: bool) -> dict:
        """Creates or updates it; returns the module's result."""
        before, after = self._before(), {**self.wanted, "password": "right"}
        if before != after and not dry_run:
            self._write()
            left = self._before()
            if left != after:
                raise _superset.SupersetError(
                    "Superset took the connection, and still differs in: "
                    + ", ".join(key for key, value in after.items() if left.get(key) != value)
                )
        return {
            "changed": before != after,
            "database": {"id": self.id, "name": self.params["name"], "uuid": self.params["uuid"]},
            "diff": {"before": before, "after": after},
        }

    def _before(self):
        if self.id is None:
            return {}
        stored = self.superset.get(f"/api/v1/database/{self.id}/connection")["result"]
        stored["sqlalchemy_uri"] = canonical(stored.get("sqlalchemy_uri") or "")
        return {**{key: stored.get(key) for key in self.wanted}, "password": "right" if self._works() else "wrong"}

    def _works(self):
        try:
            self.superset.get(f"/api/v1/database/{self.id}/schemas/", {"force": True})
        except _superset.SupersetError as error:
            if error.status not in (400, 422, 500):
                raise
            return False
        return True

    def _write(self):
        body = {
            **self.wanted,
            "sqlalchemy_uri": _with_password(self.params["sqlalchemy_uri"], self.params["sqlalchemy_password"]),
        }
        if self.id is None:
            # Superset tries the connection first, and says what is wrong with it.
            self.id = self.superset.post("/api/v1/database/", {**body, "uuid": self.params["uuid"]})["id"]
            return
        self.superset.post(
            "/api/v1/database/test_connection/",
            {"sqlalchemy_uri": body["sqlalchemy_uri"], "database_name": body["database_name"]},
        )
        self.superset.put(f"/api/v1/database/{self.id}", body)


def remove(superset: _superset.Superset, uuid: str, dry_run: bool) -> dict:
    """Removes the connection with this uuid; returns the module's result. Raises SupersetError if datasets use it."""
    number = superset.find("databases", uuid)
    if number is None:
        return {"changed": False, "database": {"uuid": uuid}, "diff": {"before": {}, "after": {}}}
    name = superset.get(f"/api/v1/database/{number}")["result"]["database_name"]
    users = superset.get(
        "/api/v1/dataset/",
        {
            "filters": [{"col": "database", "opr": "rel_o_m", "value": number}],
            "columns": ["schema", "table_name"],
            "page_size": _superset.PAGE_SIZE,
        },
    )["result"]
    if users:
        tables = sorted(".".join(filter(None, (user["schema"], user["table_name"]))) for user in users)
        raise _superset.SupersetError(
            f'The connection "{name}" is used by the datasets {", ".join(tables)}: delete them in Superset first, their charts '
            "with them, or give them another connection"
        )
    if not dry_run:
        superset.delete(f"/api/v1/database/{number}")
        if superset.find("databases", uuid) is not None:
            raise _superset.SupersetError(f'Superset took the removal of the connection "{name}", and still has it')
    return {
        "changed": True,
        "database": {"name": name, "uuid": uuid},
        "diff": {"before": {"database_name": name, "uuid": uuid}, "after": {}},
    }


def canonical(uri: str) -> str:
    """The URI as SQLAlchemy spells it: the options sorted, a slash in them quoted."""
    base, separator, options = uri.partition("?")
    return base + separator + urlencode(sorted(parse_qsl(options, keep_blank_values=True)))


def _with_password(uri: str, password: str | None) -> str:
    if password is None:
        return uri
    scheme, separator, rest = uri.partition("://")
    user, at, host = rest.partition("@")
    return f"{scheme}{separator}{user}:{quote(password, safe='')}{at}{host}"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_superset.connection_argument_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str"},
            "uuid": {"type": "str", "required": True},
            "sqlalchemy_uri": {"type": "str"},
            "sqlalchemy_password": {"type": "str", "no_log": True},
            "expose_in_sqllab": {"type": "bool", "default": True},
            "cache_timeout": {"type": "int"},
        },
        required_if=[("state", "present", ["name", "sqlalchemy_uri"])],
        supports_check_mode=True,
    )
    require_requests(module)
    params = module.params
    try:
        superset = _superset.Superset(params)
        if params["state"] == "absent":
            outcome = remove(superset, params["uuid"], dry_run=module.check_mode)
        else:
            outcome = Connection(superset, params).converge(dry_run=module.check_mode)
    except _superset.SupersetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
