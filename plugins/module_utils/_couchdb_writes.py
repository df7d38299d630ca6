# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the accounts that read CouchDB may write to it, and what to do then."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._couchdb_client import CouchDBRefusal, Documents, part

DOCUMENT = "cht-sync-write-test"
# A document whose attachment is longer than it says. CouchDB asks whether the account may write first, and finds that out then: so it is
# never stored, leaves nothing in the feed, and the answer says which of both it was.
TOO_LONG = (
    "multipart/related;boundary=cht-sync",
    b"--cht-sync\r\nContent-Type: application/json\r\n\r\n"
    b'{"_attachments":{"test":{"follows":true,"content_type":"text/plain","length":1}}}\r\n--cht-sync\r\n\r\nno\r\n--cht-sync--',
)
REFUSED, ALLOWED, ADMINISTRATOR, NOT_ASKED, UNKNOWN = "refused", "allowed", "administrator", "not asked", "unknown"


def look(feeds: list[dict], passwords: dict) -> list[dict]:
    """For each feed, the filter cht.sync.feeds gives them, what becomes of a write."""
    servers: dict[str, tuple] = {}
    for feed in feeds:
        if feed["name"] not in servers:
            servers[feed["name"]] = _server(feed, passwords.get(feed["name"], ""))
    return [{"source": feed["source"], "username": feed["username"], **_writes(feed, *servers[feed["name"]])} for feed in feeds]


def findings(accounts: list[dict]) -> list[str]:
    """A sentence for each account that may write, with the remedy."""
    found: dict[tuple, list[str]] = {}
    for one in accounts:
        if one["writes"] in (ALLOWED, ADMINISTRATOR):
            found.setdefault((one["username"], one["writes"]), []).append(one["source"])
    return [
        f"{', '.join(sources)}: "
        + (
            f"{name} is an administrator of CouchDB, and its password lies on the machine that syncs: give the source an account of its own "
            "(README, 'A CouchDB account'), which playbooks/couchdb_account.yml makes"
            if writes == ADMINISTRATOR
            else f"the account {name} may write, though it need only read: playbooks/couchdb_account.yml takes that from it"
        )
        for (name, writes), sources in found.items()
    ]


def _server(feed, password):
    """CouchDB, and what is known of all its databases together: why it is not asked for each."""
    try:
        couchdb = Documents(feed["url"], feed["username"], password, feed.get("ca_file"), ca_pem=feed.get("ca_pem"))
        # One request decides on the password: refused ones lock the account.
        session = couchdb.get("/_session").get("userCtx") or {}
        if "couchdb" not in couchdb.get("/"):
            return couchdb, {"writes": NOT_ASKED, "reason": "this is not CouchDB, but something like it, as the demo has"}
        if "_admin" in (session.get("roles") or []):
            return couchdb, {"writes": ADMINISTRATOR, "reason": None}
    except CouchDBRefusal as error:
        return None, {"writes": UNKNOWN, "reason": str(error)}
    return couchdb, None


def _writes(feed, couchdb, known):
    if known:
        return known
    base = f"/{part(feed['database'])}/"
    try:
        couchdb.get(base)
        answer = couchdb.answer("PUT", base + DOCUMENT, content=TOO_LONG)
        if answer.status in (200, 201, 202):
            # A server that does not count.
            couchdb.change("DELETE", f"{base}{DOCUMENT}?rev={answer.body['rev']}")
    except CouchDBRefusal as error:
        return {"writes": UNKNOWN, "reason": str(error)}
    if answer.status in (401, 403):
        return {"writes": REFUSED, "reason": answer.reason}
    if answer.status in (200, 201, 202) or "than expected" in answer.reason:
        return {"writes": ALLOWED, "reason": None}
    return {"writes": UNKNOWN, "reason": f"a write was answered with status {answer.status} ({answer.reason})"}
