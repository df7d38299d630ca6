# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What accounts see of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Query


def themselves(query: Query) -> Query:
    """Of the accounts, which Superset lists with their addresses: all for who manages them, else one's own."""
    from superset import security_manager  # pylint: disable=import-outside-toplevel  # the settings are read without Superset
    from superset.utils.core import get_user_id  # pylint: disable=import-outside-toplevel

    if security_manager.can_access("can_read", "User") or security_manager.is_admin():
        return query
    return query.filter(security_manager.user_model.id == get_user_id())
