# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""cht_sync_sources, checked and laid out: one feed a CouchDB database."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ansible.errors import AnsibleFilterError

from ansible_collections.cht.sync.plugins.plugin_utils._authorities import certificates

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
DATABASE = re.compile(r"[a-z][a-z0-9_-]*")
# Colons: of an IPv6 address.
PREFIX = re.compile(r"[A-Za-z0-9._:-]+")
REQUIRED = ("name", "url", "username", "password", "databases")
OPTIONAL = ("ca_file", "source_prefix")


def feeds(sources, authorities=()) -> list[dict]:
    """One dict a database, without any password; raises AnsibleFilterError naming entry and remedy.

    authorities: certificates to trust besides, for sources without a ca_file.
    """
    if not isinstance(sources, (list, tuple)):
        raise AnsibleFilterError("cht_sync_sources must be a list of instances: see README, 'Your own VM'")
    found: list[dict] = []
    for position, entry in enumerate(sources, start=1):
        found.extend(_feeds_of(entry, f"cht_sync_sources entry {position}", "".join(authorities)))
    for key in ("source", "unit"):
        _refuse_twins(found, key)
    return found


def _feeds_of(entry, where, authorities):
    if not isinstance(entry, dict):
        raise AnsibleFilterError(f"{where} must be a dictionary with {', '.join(REQUIRED)}")
    missing = [key for key in REQUIRED if not entry.get(key)]
    if missing:
        raise AnsibleFilterError(f"{where} lacks {', '.join(missing)}: set it in <inventory>/group_vars/all/")
    unknown = sorted(set(entry) - set(REQUIRED) - set(OPTIONAL))
    if unknown:
        raise AnsibleFilterError(f"{where} has unknown keys {', '.join(unknown)}: known are {', '.join(REQUIRED + OPTIONAL)}")

    name = str(entry["name"])
    where = f"{where} ({name})"
    if not NAME.fullmatch(name):
        raise AnsibleFilterError(f"{where}: name may hold a-z, 0-9, _ and - only, for it becomes part of a service's name")
    host = _host(str(entry["url"]), where)
    prefix = str(entry.get("source_prefix") or host)
    if not PREFIX.fullmatch(prefix):
        raise AnsibleFilterError(f"{where}: source_prefix may hold letters, digits, '.', '_', '-' and ':' only")
    if not isinstance(entry["databases"], (list, tuple)):
        raise AnsibleFilterError(f"{where}: databases must be a list, for example [medic, medic-sentinel, medic-users-meta]")
    for database in entry["databases"]:
        if database == "_users":
            raise AnsibleFilterError(f"{where}: _users holds credentials and must not reach the warehouse: remove it from databases")
        if not DATABASE.fullmatch(str(database)):
            raise AnsibleFilterError(f"{where}: {database!r} is no name of a CHT database (a-z, 0-9, _ and -)")
    ca_file = str(entry.get("ca_file") or "") or None
    try:
        ca_pem = (certificates(ca_file, "ca_file") if ca_file else authorities) or None
    except ValueError as error:
        raise AnsibleFilterError(f"{where}: {error}. site.yml brings it to the machine that syncs") from None
    return [
        {
            "name": name,
            "database": database,
            "unit": f"{name}.{database}",
            "source": f"{prefix}/{database}",
            "url": str(entry["url"]).rstrip("/"),
            "username": str(entry["username"]),
            "ca_file": ca_file,
            "ca_pem": ca_pem,
        }
        for database in map(str, entry["databases"])
    ]


def _host(url, where):
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        remedy = "; an IPv6 address stands in brackets, as https://[2001:db8::1]:5984" if url.count(":") > 2 else ""
        raise AnsibleFilterError(f"{where}: url is not valid: {error}{remedy}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise AnsibleFilterError(f"{where}: url must begin with http:// or https:// and name a host")
    if "%" in host:
        raise AnsibleFilterError(f"{where}: url must not name an interface with %: give an address of CouchDB that is not link-local")
    if parts.username or parts.password:
        raise AnsibleFilterError(f"{where}: url must not hold credentials: use username and password")
    if "_utils" in parts.path.split("/"):
        raise AnsibleFilterError(f"{where}: url is that of CouchDB's pages for a browser: leave out /_utils and what follows it")
    if parts.query or parts.fragment:
        raise AnsibleFilterError(f"{where}: url must not hold a query or fragment")
    return host


def _refuse_twins(found, key):
    seen: dict[str, dict] = {}
    for feed in found:
        twin = seen.setdefault(feed[key], feed)
        if twin is not feed and key == "source" and (feed["url"], feed["database"]) == (twin["url"], twin["database"]):
            raise AnsibleFilterError(f"{feed['url']}/{feed['database']} stands twice in cht_sync_sources: remove one of the two")
        if twin is not feed:
            raise AnsibleFilterError(
                f"{feed['url']}/{feed['database']} and {twin['url']}/{twin['database']} in cht_sync_sources would both be "
                f"{key} {feed[key]}: give "
                + ("one of them another source_prefix, or remove one if they are one CouchDB" if key == "source" else "the instances different names")
            )


class FilterModule:
    def filters(self):
        return {"feeds": feeds}
