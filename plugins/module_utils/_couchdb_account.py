# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings an account into CouchDB that reads some databases and writes to none, or takes it away."""

from __future__ import annotations

import hashlib
import hmac

from ansible_collections.cht.sync.plugins.module_utils import _couchdb_answers as answers
from ansible_collections.cht.sync.plugins.module_utils import _couchdb_rights as rights
from ansible_collections.cht.sync.plugins.module_utils._couchdb import CouchDBError
from ansible_collections.cht.sync.plugins.module_utils._couchdb_client import CouchDBRefusal, Documents, part

# What CHT takes for a user who sees everything (cht-core, shared-libs/user-management/src/roles.js).
ONLINE = "mm-online"
# What CHT writes into the account of somebody who works at a place.
PERSONAL = ("contact_id", "facility_id", "place_id")


def is_cht(couchdb: Documents) -> bool:
    """Whether a CHT answers there. It says so without credentials, too."""
    answer = couchdb.answer("GET", "/api/info", anonymous=True)
    return answers.server((answer.status, answer.content), (0, b"")).kind == "cht"


class Account:
    """`couchdb` is asked as its administrator; `online`: whether the account goes through the API of a CHT."""

    def __init__(self, couchdb: Documents, params: dict, online: bool, dry_run: bool) -> None:
        self.couchdb = couchdb
        self.name, self.password = params["name"], params["user_password"]
        self.present = params["state"] == "present"
        self.roles = [ONLINE] if online else []
        self.dry_run = dry_run
        self.user_path = f"/_users/{part('org.couchdb.user:' + self.name)}"
        self.databases = list(dict.fromkeys(params["databases"]))
        self.steps: list[str] = []

    def converge(self) -> dict:
        """Looks at everything, then changes what differs; the module's result. Raises CouchDBRefusal."""
        self._check_administrator()
        user = self._user()
        found = {name: self._database(name) for name in self.databases}
        found = {name: database for name, database in found.items() if database is not None}
        wanted = {name: self._wanted(database) for name, database in found.items()}
        if self.present:
            # The refusal first: at no moment can the account write.
            self._guard_all(found, wanted)
            after = self._keep_user(user)
            self._members_all(found, wanted)
        else:
            self._members_all(found, wanted)
            after = self._remove_user(user)
            self._guard_all(found, wanted)
        return {
            "changed": bool(self.steps),
            "steps": self.steps,
            "open_databases": [name for name, database in found.items() if rights.is_open(database["security"])],
            "diff": {"before": self._shown(user, found), "after": self._shown(after, wanted)},
        }

    def _check_administrator(self):
        if self.name == self.couchdb.username:
            raise CouchDBRefusal(f"{self.name} is CouchDB's administrator, whose writes nothing refuses: choose another username in cht_sync_sources")
        if self.couchdb.url.startswith("http://"):
            try:
                self.couchdb.is_fit_for_password(self.databases[0])
            except CouchDBError as error:
                raise CouchDBRefusal(str(error)) from None
        roles = (self.couchdb.get("/_session").get("userCtx") or {}).get("roles") or []
        if "_admin" not in roles:
            raise CouchDBRefusal(
                f"{self.couchdb.username} is no administrator of the CouchDB at {self.couchdb.url} (its roles: {', '.join(roles) or 'none'}): "
                "give the one that CHT was installed with (COUCHDB_USER)"
            )
        path = f"/_node/_local/_config/admins/{part(self.name)}"
        answer = self.couchdb.answer("GET", path)
        if answer.status == 200:
            raise CouchDBRefusal(f"{self.name} is an administrator of CouchDB, whose writes nothing refuses: choose another username in cht_sync_sources")
        if answer.status != 404:
            self.couchdb.expected(answer, path)

    def _user(self):
        answer = self.couchdb.answer("GET", self.user_path)
        if answer.status == 404 and "Database" in answer.reason:
            raise CouchDBRefusal(f"{self.couchdb.url} has no database _users, so no accounts: finish the setup of CouchDB")
        user = None if answer.status == 404 else self.couchdb.expected(answer, self.user_path)
        personal = [key for key in PERSONAL if (user or {}).get(key)]
        if personal:
            raise CouchDBRefusal(
                f"{self.name} is the account of a person at CHT (it has {' and '.join(personal)}), who could not work with it any longer: "
                "choose another username in cht_sync_sources"
            )
        return user

    def _database(self, name):
        """What the database says of its members and its guard; None if it is to be left and is not there."""
        path = f"/{part(name)}/"
        answer = self.couchdb.answer("GET", path)
        if answer.status == 404:
            if not self.present:
                return None
            raise CouchDBRefusal(f"{self.couchdb.url} has no database {name}: correct databases in cht_sync_sources; names carry hyphens, as in medic-sentinel")
        self.couchdb.expected(answer, path)
        security = self.couchdb.get(f"{path}_security")
        if self.present and rights.administers(security, self.name, self.roles):
            raise CouchDBRefusal(
                f"{self.name} is an administrator of the database {name}, and could undo every refusal: take it out of the admins in {name}/_security, "
                "or choose another username in cht_sync_sources"
            )
        return {"security": security, "guard": self.couchdb.get(path + rights.GUARD, absent=(404,))}

    def _wanted(self, database):
        readers = rights.readers(database["guard"])
        if self.present:
            return {"security": rights.with_member(database["security"], self.name), "guard": rights.guard([*readers, self.name])}
        left = [name for name in readers if name != self.name]
        guard = rights.guard(left) if left else None
        # A guard that does not name the account stays as it is.
        return {
            "security": rights.without_member(database["security"], self.name),
            "guard": guard if self.name in readers else database["guard"],
        }

    def _guard_all(self, found, wanted):
        for name, database in found.items():
            stored, should = database["guard"], wanted[name]["guard"]
            if stored is should or rights.same(stored, should):
                continue
            path = f"/{part(name)}/{rights.GUARD}"
            if should is None:
                self._do(f"remove {rights.GUARD} from {name}", "DELETE", f"{path}?rev={stored['_rev']}")
            else:
                refusal = f"write {rights.GUARD} to {name}: it refuses writes of {', '.join(should['readers'])}"
                self._do(refusal, "PUT", path, {**should, **({"_rev": stored["_rev"]} if stored else {})})

    def _members_all(self, found, wanted):
        for name, database in found.items():
            if database["security"] != wanted[name]["security"]:
                step = f"make {self.name} a member of {name}" if self.present else f"take {self.name} out of the members of {name}"
                self._do(step, "PUT", f"/{part(name)}/_security", wanted[name]["security"])

    def _keep_user(self, user):
        if user is None:
            after = {"_id": f"org.couchdb.user:{self.name}", "type": "user", "name": self.name, "roles": self.roles, "password": self.password}
            self._do(f"make the account {self.name}{self._with_roles()}", "PUT", self.user_path, after)
            return after
        after, repairs = dict(user), []
        if user.get("roles") != self.roles:
            after["roles"] = self.roles
            repairs.append(f"give it {'the role ' + ONLINE + ' only' if self.roles else 'no role'}")
        if not password_is(user, self.password):
            after["password"] = self.password
            repairs.append("set its password")
        if repairs:
            self._do(f"repair the account {self.name}: {' and '.join(repairs)}", "PUT", self.user_path, after)
        return after

    def _remove_user(self, user):
        if user is not None:
            self._do(f"remove the account {self.name}", "DELETE", f"{self.user_path}?rev={user['_rev']}")

    def _with_roles(self):
        return f" with the role {ONLINE}" if self.roles else ""

    def _do(self, step, method, path, body=None):
        self.steps.append(step)
        if not self.dry_run:
            self.couchdb.change(method, path, body)

    def _shown(self, user, databases):
        account = None
        if user is not None:
            right = "password" in user or self.password is None or password_is(user, self.password)
            account = {"name": self.name, "roles": user.get("roles"), "password": "right" if right else "another"}
        shown = {}
        for name, database in databases.items():
            members = "everybody" if rights.is_open(database["security"]) else rights.members(database["security"])
            shown[name] = {"members": members, rights.GUARD: rights.shown(database["guard"])}
        return {"account": account, "databases": shown}


def password_is(user: dict, password: str) -> bool:
    """Whether it is the account's password, found without a login: a refused one would count towards the lock."""
    if user.get("password_scheme") != "pbkdf2":
        return False
    stored = str(user.get("derived_key"))
    try:
        made = hashlib.pbkdf2_hmac(
            {"sha": "sha1"}.get(user.get("pbkdf2_prf"), user.get("pbkdf2_prf", "sha1")),
            password.encode(), user["salt"].encode(), user["iterations"], len(stored) // 2,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return hmac.compare_digest(made.hex(), stored)
