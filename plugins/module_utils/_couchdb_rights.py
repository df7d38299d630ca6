# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may read a database of CouchDB, and who may not write to it: what its two documents say, and should say."""

from __future__ import annotations

import copy
import json

GUARD = "_design/cht-sync-read-only"
# CouchDB 3 writes this role into new databases: nobody but its administrators.
NOBODY = "_admin"


def guard(readers: list[str]) -> dict:
    """The design document that refuses every write of these accounts.

    By name, not by a role: with a role CHT would count the account as a kind of offline user, and purge for it.
    An administrator of CouchDB with such a name keeps all rights.
    """
    names = sorted(set(readers))
    return {
        "_id": GUARD,
        "about": "Refuses every write of the accounts in `readers`. Made by cht.sync, playbooks/couchdb_account.yml.",
        "language": "javascript",
        "readers": names,
        "validate_doc_update": (
            "function (newDoc, oldDoc, userCtx) {\n"
            f'  if ({json.dumps(names)}.indexOf(userCtx.name) !== -1 && userCtx.roles.indexOf("_admin") === -1) {{\n'
            f'    throw({{forbidden: "{GUARD}: this account only reads"}});\n'
            "  }\n"
            "}"
        ),
    }


def readers(stored: dict | None) -> list[str]:
    """The accounts that a stored guard names."""
    found = (stored or {}).get("readers")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def same(stored: dict | None, wanted: dict | None) -> bool:
    """Whether a stored design document is what it should be; None: none."""
    if stored is None or wanted is None:
        return stored is wanted
    return {key: value for key, value in stored.items() if key != "_rev"} == wanted


def shown(stored: dict | None) -> dict | None:
    """What to show of a guard."""
    return {key: value for key, value in stored.items() if not key.startswith("_")} if stored else None


def is_open(security: dict) -> bool:
    """Whether every account of CouchDB is a member, since none is named."""
    members = _members(security)
    return not members.get("names") and not members.get("roles")


def administers(security: dict, name: str, roles: list[str]) -> bool:
    """Whether the account is an administrator of the database, whose writes of design documents nothing refuses."""
    admins = security.get("admins") or {}
    return name in (admins.get("names") or []) or any(role in (admins.get("roles") or []) for role in roles)


def with_member(security: dict, name: str) -> dict:
    """The same, with the account as a member. An open database stays so: with one member all others would be shut out."""
    members = _members(security)
    names = members.get("names") or []
    if is_open(security) or name in names:
        return security
    return _with_members(security, {**members, "names": [*names, name]})


def without_member(security: dict, name: str) -> dict:
    """The same without the account. A database does not become open by that."""
    members = _members(security)
    names = members.get("names") or []
    if name not in names:
        return security
    left = {**members, "names": [other for other in names if other != name]}
    if not left["names"] and not left.get("roles"):
        left["roles"] = [NOBODY]
    return _with_members(security, left)


def members(security: dict) -> dict:
    """What to show of them."""
    found = _members(security)
    return {"names": found.get("names") or [], "roles": found.get("roles") or []}


def _key(security):
    # Databases of CouchDB 1.1 and before say `readers`.
    return "readers" if "readers" in security and "members" not in security else "members"


def _members(security):
    return security.get(_key(security)) or {}


def _with_members(security, wanted):
    return {**copy.deepcopy(security), _key(security): wanted}
