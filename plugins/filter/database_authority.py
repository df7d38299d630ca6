# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file of a machine has the authority that a connection to PostgreSQL trusts."""

from __future__ import annotations


def database_authority(ca_cert, ssl_mode, directory, groups, group_names) -> str:
    """The path, or an empty text where the server's certificate is not checked."""
    if ca_cert:
        return f"{directory}/postgresql.crt"
    if not str(ssl_mode).startswith("verify-"):
        return ""
    if not groups.get("postgresql"):
        return "/etc/ssl/certs/ca-certificates.crt"
    # The certificate that our own server made for itself: there, and where site.yml brings it.
    return "/etc/cht-sync/postgresql/server.crt" if "postgresql" in group_names else "/etc/cht-sync/postgresql.crt"


class FilterModule:
    def filters(self):
        return {"database_authority": database_authority}
