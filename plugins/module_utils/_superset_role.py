# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a role into Superset: its permissions, and its rules of row-level security."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_accounts import accounts_with, find_role
from ansible_collections.cht.sync.plugins.module_utils._superset_datasets import Datasets, Missing, find_connection
from ansible_collections.cht.sync.plugins.module_utils._superset_permissions import Permissions, held_by
from ansible_collections.cht.sync.plugins.module_utils._superset_rls import Rules, shown, wanted_rules

# `superset init` makes these anew, with its own permissions.
RESET_BY_SUPERSET = ("Admin", "Alpha", "Gamma", "sql_lab")
BUILT_IN = (*RESET_BY_SUPERSET, "Public")
# Options that say what the role may do.
GRANTS = ("permissions", "permissions_of", "schemas", "datasets")


class Role:
    """One role: what Superset has, and what it should have. `params` are the options of the module superset_role."""

    def __init__(self, superset: Superset, params: dict, dry_run: bool) -> None:
        self.superset = superset
        self.params = params
        self.dry_run = dry_run
        self.name = params["name"]
        self.id = find_role(superset, self.name)
        self.datasets = Datasets(superset, params["database"])
        self.warnings: list[str] = []

    def converge(self) -> dict:
        """Creates, updates or removes it; returns the module's result and its warnings. Raises SupersetError."""
        before, after = self._remove() if self.params["state"] == "absent" else self._keep()
        return {
            # What is missing in check mode would change the role once it is there.
            "changed": before != after or bool(self.warnings),
            "role": {"name": self.name} if self.id is None else {"id": self.id, "name": self.name},
            "diff": {"before": before, "after": after},
            "warnings": self.warnings,
        }

    def _remove(self):
        if self.name in BUILT_IN:
            raise SupersetError(f"{self.name} is a role of Superset itself, which cannot do without it")
        if self.id is None:
            return {}, {}
        rules = Rules(self.superset, self.id)
        before = {
            "name": self.name,
            "permissions": sorted(held_by(self.superset, self.id)),
            "row_level_security": rules.own(),
            "accounts": accounts_with(self.superset, self.id),
        }
        if not self.dry_run:
            # In this order nobody ever sees more than before, and what was cut short can be run again.
            self._grant([])
            rules.remove(set(rules.own()))
            self.superset.delete(f"/api/v1/security/roles/{self.id}")
            self.id = find_role(self.superset, self.name)
            if self.id is not None:
                raise SupersetError(f"Superset took the removal of the role {self.name}, and still has it")
        return before, {}

    def _keep(self):
        known = Permissions.of(self.superset)
        grants = self._wanted_permissions(known) if self._says(*GRANTS) else None
        rules = self._wanted_rules() if self._says("row_level_security") else None
        before, after = self._stored(), {"name": self.name}
        if grants is not None:
            after["permissions"] = sorted(grants)
        if rules is not None:
            after["row_level_security"] = shown(rules)
        if before != after and not self.dry_run:
            self._write([known.numbers[text] for text in grants] if grants is not None else None, rules)
            left = self._stored()
            if left != after:
                raise SupersetError(
                    f"Superset took the role {self.name}, and still differs in: "
                    + ", ".join(key for key, value in after.items() if left.get(key) != value)
                )
        return before, after

    def _says(self, *options):
        return any(self.params[option] is not None for option in options)

    def _stored(self):
        if self.id is None:
            return {}
        stored = {"name": self.name}
        if self._says(*GRANTS):
            stored["permissions"] = sorted(held_by(self.superset, self.id))
        if self._says("row_level_security"):
            stored["row_level_security"] = Rules(self.superset, self.id).own()
        return stored

    def _write(self, permission_ids, wanted):
        if self.id is None:
            self.id = self.superset.post("/api/v1/security/roles/", {"name": self.name})["id"]
        rules = Rules(self.superset, self.id)
        # Rules before what they restrict may be read, and none goes before that.
        if wanted is not None:
            rules.write(wanted, self.id)
        if permission_ids is not None:
            self._grant(permission_ids)
        if wanted is not None:
            rules.remove(set(rules.own()) - set(wanted))

    def _grant(self, permission_ids):
        self.superset.post(
            f"/api/v1/security/roles/{self.id}/permissions", {"permission_view_menu_ids": sorted(permission_ids)}
        )

    def _wanted_rules(self):
        wanted = wanted_rules(self.params["row_level_security"], lambda named: self._or_warn(self.datasets.find, named))
        Rules(self.superset, self.id).check(wanted)
        return wanted

    def _wanted_permissions(self, known):
        exact = self.params["permissions_mode"] == "exact"
        if exact and self.name in RESET_BY_SUPERSET:
            raise SupersetError(
                f"Superset sets up the permissions of its role {self.name} itself: give permissions_mode=add, or make a role "
                "of your own"
            )
        wanted = {known.named(text) for text in self.params["permissions"] or []}
        look_ups = {
            "permissions_of": self._permissions_of,
            "schemas": lambda schema: self._of_schema(known, schema),
            "datasets": lambda named: {known.of_dataset(self.datasets.find(named)["id"])},
        }
        for option, look_up in look_ups.items():
            for named in self.params[option] or []:
                wanted |= self._or_warn(look_up, named) or set()
        if not exact and self.id is not None:
            wanted |= held_by(self.superset, self.id)
        return wanted

    def _permissions_of(self, name):
        role_id = find_role(self.superset, name)
        if role_id is None:
            raise Missing(f'Superset has no role "{name}"')
        return held_by(self.superset, role_id)

    def _of_schema(self, known, schema):
        connection = find_connection(self.superset, self.params["database"])
        try:
            return known.of_schema(connection["name"], schema)
        except Missing:
            if self.dry_run:
                raise
        # The schema may be younger than the connection: Superset looks again.
        self.superset.post(f"/api/v1/database/{connection['id']}/sync_permissions/", {})
        known.numbers.update(Permissions.of(self.superset).numbers)
        return known.of_schema(connection["name"], schema)

    def _or_warn(self, look_up, named):
        """In check mode, what is not there may be what a task before would have made."""
        try:
            return look_up(named)
        except Missing as error:
            if not self.dry_run:
                raise
            if str(error) not in self.warnings:
                self.warnings.append(str(error))
            return None
