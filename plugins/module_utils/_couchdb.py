# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules ask CouchDB."""

from __future__ import annotations

from urllib.parse import quote

from ansible_collections.cht.sync.plugins.module_utils._requests import requests


class CouchDBError(Exception):
    """CouchDB did not answer as it should; the message tells what to do."""


def document_count(feed: dict, password: str, timeout: int) -> int:
    """Documents of a database, without deleted and design documents (CouchDB counts the latter, we do not copy them).

    feed: an entry of the filter cht.sync.feeds. timeout: seconds. Raises CouchDBError.
    """
    base = f"{feed['url']}/{quote(feed['database'], safe='')}"
    with requests.Session() as session:
        session.auth = (feed["username"].encode(), password.encode())
        # The store that site.yml adds the operator's authorities to, rather than the one requests brings.
        session.verify = feed.get("ca_file") or "/etc/ssl/certs/ca-certificates.crt"
        session.headers["Accept"] = "application/json"
        info = _get(session, base, {}, timeout)
        design = _get(session, f"{base}/_all_docs", {"startkey": '"_design/"', "endkey": '"_design0"'}, timeout)
    return info["doc_count"] - len(design["rows"])


def _get(session, url, query, timeout):
    try:
        answer = session.get(url, params=query, timeout=timeout, allow_redirects=False)
    except requests.exceptions.RequestException as error:
        raise CouchDBError(f"{url} cannot be reached ({type(error).__name__}): check url in cht_sync_sources and the network") from None
    if answer.status_code in (401, 403):
        raise CouchDBError(f"{url} refused the account (status {answer.status_code}): check username and password in cht_sync_sources")
    if answer.status_code != 200:
        raise CouchDBError(f"{url} answered with status {answer.status_code}")
    try:
        return answer.json()
    except ValueError:
        raise CouchDBError(f"{url} did not answer with JSON: is this a CouchDB?") from None
