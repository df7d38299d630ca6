# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset's permissions in the words of its pages: "can read on Dashboard"."""

from __future__ import annotations

import difflib

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_datasets import Missing


class UnknownPermission(SupersetError):
    """No such permission in Superset."""


def canonical(text: str) -> str:
    """One spelling for "can read on Dashboard" and "can_read on Dashboard". Raises UnknownPermission for another form."""
    permission, separator, resource = text.strip().partition(" on ")
    if not separator or not permission or not resource:
        raise UnknownPermission(f'Permission "{text}": write it as Superset shows it, for example "can_read on Dashboard"')
    return f"{permission.strip().replace(' ', '_')} on {resource.strip()}"


class Permissions:
    """All permissions there are; `numbers` has the id of each by its canonical text."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.numbers = numbers

    @classmethod
    def of(cls, superset: Superset) -> Permissions:
        """Asks Superset for them."""
        listed = superset.get_all("/api/v1/security/permissions-resources/", "id")
        return cls({f"{one['permission']['name']} on {one['view_menu']['name']}": one["id"] for one in listed})

    def named(self, text: str) -> str:
        """The permission a person means. Raises UnknownPermission with the nearest ones."""
        wanted = canonical(text)
        if wanted not in self.numbers:
            near = difflib.get_close_matches(wanted, self.numbers, n=3)
            raise UnknownPermission(
                f'Superset has no permission "{text}"'
                + (": did you mean " + " or ".join(f'"{one}"' for one in near) + "?" if near else "")
            )
        return wanted

    def of_dataset(self, dataset_id: int) -> str:
        """The one that lets a dataset be read. Raises Missing."""
        # By its number: a rename of the connection or the table changes the rest.
        for text in self.numbers:
            if text.startswith("datasource_access on ") and text.endswith(f"(id:{dataset_id})"):
                return text
        raise Missing(f"Superset has no permission for the dataset with id {dataset_id}")

    def of_schema(self, connection: str, schema: str) -> set[str]:
        """Those that let all of a schema be read, now and later. Raises Missing."""
        # One for SQL Lab, with the catalog where the database has such, and one for datasets that name no catalog.
        within, plain = f"schema_access on [{connection}].", f"schema_access on [{connection}].[{schema}]"
        found = {text for text in self.numbers if text.startswith(within) and text.endswith(f".[{schema}]")}
        if not found:
            raise Missing(f'Superset knows no schema "{schema}" in the connection "{connection}"')
        if len(found - {plain}) > 1:
            raise SupersetError(
                f'Several catalogs of the connection "{connection}" have a schema "{schema}", name those meant in permissions: '
                + "; ".join(f'"{text}"' for text in sorted(found))
            )
        return found


def held_by(superset: Superset, role_id: int) -> set[str]:
    """What a role may, in canonical text."""
    listed = superset.get(f"/api/v1/security/roles/{role_id}/permissions/")["result"]
    return {f"{one['permission_name']} on {one['view_menu_name']}" for one in listed}
