# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of Superset: finds them, and brings one into Superset."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError

USERS = "/api/v1/security/users/"
# Options that are fields of the account, as Superset names them too.
FIELDS = ("first_name", "last_name", "email")


def find_role(superset: Superset, name: str) -> int | None:
    """The id of the role, or None."""
    return superset.find_at("/api/v1/security/roles/", "name", name)


def accounts_with(superset: Superset, role_id: int) -> list[str]:
    """Names of the accounts that have the role."""
    every = superset.get_all(USERS, "id")
    return sorted(one["username"] for one in every if role_id in [role["id"] for role in one["roles"]])


def find_account(superset: Superset, username: str) -> dict | None:
    """The account, or None. Raises SupersetError for a name that differs in capitals only."""
    # At a login Superset takes no account of capitals, and with two such accounts lets neither in.
    for account in superset.get_all(USERS, "id"):
        if account["username"].lower() == username.lower():
            if account["username"] != username:
                raise SupersetError(
                    f'Superset has an account "{account["username"]}", and "{username}" would be the same at a login: write '
                    "its name the same way"
                )
            return account
    return None


class Account:
    """One account: what Superset has, and what it should have. `params` are the options of the module superset_user."""

    def __init__(self, superset: Superset, params: dict, dry_run: bool) -> None:
        self.superset = superset
        self.params = params
        self.dry_run = dry_run
        self.name = params["name"]
        self.stored = find_account(superset, self.name)
        # An account that is not active accepts no password, so for that one there is nothing to tell.
        always = params["update_password"] == "always" or self.stored is None
        self.tries_password = bool(always and params["user_password"] and params["active"])
        self.warnings: list[str] = []

    def converge(self) -> dict:
        """Creates, updates or removes it; returns the module's result and its warnings. Raises SupersetError."""
        self._keep_own()
        if self.params["state"] == "absent":
            before, after = self._remove()
        else:
            before, after = self._keep()
        return {
            "changed": before != after,
            "user": {"username": self.name, **({"id": self.stored["id"]} if self.stored else {})},
            "diff": {"before": before, "after": after},
            "warnings": self.warnings,
        }

    def _keep_own(self):
        if self.name.lower() != self.superset.username.lower():
            return
        roles = self.params["roles"]
        demoted = roles is not None and not {"Admin"} & _roles(self.stored) <= set(roles)
        if self.params["state"] == "absent" or not self.params["active"] or demoted:
            raise SupersetError(
                f"{self.name} is the account that the module itself logs in with: it cannot remove it, close it, or take "
                "the role Admin from it"
            )

    def _remove(self):
        if self.stored is None:
            return {}, {}
        before = self._meaning(self.stored)
        if not self.dry_run:
            try:
                self.superset.delete(f"{USERS}{self.stored['id']}")
            except SupersetError as error:
                if error.status != 422:
                    raise
                raise SupersetError(
                    f"Superset does not remove {self.name}, who made something in it (a dashboard, a chart, a query): close "
                    "the account with active=false",
                    422,
                ) from error
            self.stored = find_account(self.superset, self.name)
            if self.stored is not None:
                raise SupersetError(f"Superset took the removal of {self.name}, and still has the account")
        return before, {}

    def _keep(self):
        role_ids = self._role_ids()
        if self.stored is None:
            before, after = {}, self._new()
        else:
            before = self._present()
            after = {**before, **self._given()}
        if self.tries_password:
            after["password"] = "right"
        if before != after and not self.dry_run:
            self._write(role_ids, set_password=not before or before.get("password", "right") != "right")
            left = self._present()
            if left != after:
                raise SupersetError(
                    f"Superset took the account {self.name}, and still differs in: "
                    + ", ".join(key for key, value in after.items() if left.get(key) != value)
                )
        return before, after

    def _given(self):
        given = {field: self.params[field] for field in FIELDS if self.params[field] is not None}
        if self.params["roles"] is not None:
            given["roles"] = sorted(set(self.params["roles"]))
        return {**given, "active": self.params["active"]}

    def _new(self):
        for option in ("user_password", "roles"):
            if not self.params[option]:
                raise SupersetError(f"Superset has no account {self.name} yet: give {option} for a new one")
        return {"first_name": self.name, "last_name": "", "email": f"{self.name}@localhost", **self._given()}

    def _present(self):
        meaning = self._meaning(self.stored)
        if self.tries_password:
            if meaning["active"]:
                right = self.superset.accepts(self.name, self.params["user_password"])
                meaning["password"] = "right" if right else "wrong"
            else:
                meaning["password"] = "unknown"
        return meaning

    @staticmethod
    def _meaning(account):
        fields = {field: account[field] for field in FIELDS}
        return {**fields, "roles": sorted(_roles(account)), "active": account["active"]}

    def _role_ids(self):
        ids = []
        for name in self.params["roles"] or []:
            found = find_role(self.superset, name)
            if found is not None:
                ids.append(found)
                continue
            message = f'Superset has no role "{name}", which {self.name} is to have'
            if not self.dry_run:
                raise SupersetError(message)
            # A task before may be about to make it.
            self.warnings.append(message)
        return ids

    def _write(self, role_ids, set_password):
        body = self._given() if self.stored else self._new()
        if "roles" in body:
            body["roles"] = role_ids
        if set_password:
            body["password"] = self.params["user_password"]
        try:
            if self.stored:
                self.superset.put(f"{USERS}{self.stored['id']}", body)
            else:
                self.superset.post(USERS, {"username": self.name, **body})
        except SupersetError as error:
            if error.status == 422 and "email" in str(error):
                raise SupersetError(f"Another account of Superset has the email {body['email']} of {self.name}", 422) from error
            raise
        self.stored = find_account(self.superset, self.name)


def _roles(account):
    return {role["name"] for role in account["roles"]} if account else set()
