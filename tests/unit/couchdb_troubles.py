# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a CouchDB, or the CHT before it, and what is to be said of it: by preflight, and by both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cht_front import CHT, Authority
from cht_front.limiter import Limiter
from engine_peers import CouchDBPeer, Reply, reply
from engine_recordings import recording


@dataclass(frozen=True)
class Trouble:
    """`at`: which address is given; `trusts`: which ca_file. `words`: of the message. `account`: whether the engines must not try again soon."""

    words: tuple[str, ...]
    cause: Callable[[CHT, CouchDBPeer], object] = lambda cht, couchdb: None
    at: str = "cht"
    trusts: str | None = "own"
    account: bool = False


@dataclass(frozen=True)
class Place:
    """Where a trouble is met."""

    url: str
    ca_file: str | None
    cht: CHT
    couchdb: CouchDBPeer


class Places:
    """Makes them. `directory` keeps the certificates."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (directory / "empty.crt").touch()
        authority, _other = Authority(directory, "own"), Authority(directory, "other")
        self._right, self._renamed, self._ipv6 = (authority.certificate(f"IP:{address}") for address in ("127.0.0.1", "192.0.2.1", "::1"))

    @contextmanager
    def place(self, at: str, trusts: str | None, cause: Callable[[CHT, CouchDBPeer], object]) -> Iterator[Place]:
        """A CouchDB and a CHT before it; `at` says at which address it is asked."""
        certificate = {"renamed": self._renamed, "ipv6": self._ipv6}.get(at, self._right)
        with CouchDBPeer() as couchdb, CHT(couchdb.url, certificate, address="::1" if at == "ipv6" else "127.0.0.1") as cht:
            cause(cht, couchdb)
            urls = {"slash": f"{cht.url}/", "plain": cht.plain_url, "couchdb": couchdb.url, "gone": "http://127.0.0.1:9",
                    "http": cht.url.replace("https", "http"), "https": couchdb.url.replace("http", "https")}  # fmt: skip
            yield Place(urls.get(at, cht.url), f"{self._directory}/{trusts}.crt" if trusts else None, cht, couchdb)

    def of(self, trouble: Trouble):
        """Where this one is met."""
        return self.place(trouble.at, trouble.trusts, trouble.cause)


def says(number: str, name: str = "medic"):
    """CouchDB says what was recorded."""
    return lambda _cht, couchdb: couchdb.fail(name, *[Reply(recording(number).wire)] * 9)


def offline(cht, _couchdb, firewall=True):
    cht.online.clear()
    cht.firewall = firewall


def fewer(_cht, couchdb):
    """Somebody before CouchDB takes rows out of its feed."""
    couchdb.fail("_look", *[reply(200, {"results": [], "last_seq": "9-x", "pending": 44})] * 9)


def redirects(_cht, couchdb):
    couchdb.fail("medic", *[reply(302, {}, ["Location: https://u:secret@cht.example.org/medic/"])] * 9)


def limits(cht, _couchdb):
    cht.limiter = Limiter(points=0)


def maintains(cht, _couchdb):
    cht.maintenance = True


def page_for_people(_cht, couchdb):
    couchdb.fail("medic", *[Reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")] * 9)


TROUBLES = {
    "wrong_password": Trouble(("refused the credentials of user analytics", "correct username or password in cht_sync_sources"),
                              says("130", "_session"), account=True),
    "locked": Trouble(("the account is locked", "wait five minutes"), says("132", "_session"), account=True),
    "locked_at_couchdb": Trouble(("the account is locked", "wait five minutes"), says("132"), "couchdb", None, account=True),
    "no_member": Trouble(("You are not allowed to access this db", "make the account a member of the database"), says("072"), account=True),
    "offline": Trouble(("offline user", "Offline users are not allowed access to this endpoint", "role mm-online"), offline),
    "offline_without_a_firewall": Trouble(("sees a part only", "role mm-online"), lambda *them: offline(*them, firewall=False)),
    "fewer": Trouble(("shows 44 documents of 45", "sees a part only"), fewer, "couchdb", None),
    "missing": Trouble(("has no database", "/medic (404)", "correct databases in cht_sync_sources"), says("068")),
    "limited": Trouble(("429", "wait 10 s"), limits),
    "http_of_a_cht": Trouble(("redirects to https://127.0.0.1:", "write https://127.0.0.1:", "password would travel in clear"), at="plain", trusts=None),
    "redirect": Trouble(("redirects to https://cht.example.org/medic/", "write https://cht.example.org as url in cht_sync_sources"), redirects),
    "http_on_a_port_for_https": Trouble(("does not speak http (400", "write https:// in url"), at="http", trusts=None),
    "https_on_a_port_for_http": Trouble(("does not speak https", "write http:// in url"), at="https", trusts=None),
    "unknown_authority": Trouble(("does not trust the certificate", "unable to get local issuer certificate", "base_ca_certificates, or as ca_file"), trusts=None),
    "other_authority": Trouble(("does not trust the certificate", "other.crt is of another one", "see that ca_file in cht_sync_sources"), trusts="other"),
    "of_another_name": Trouble(("is for another name (IP address mismatch", "write the name that the certificate has"), at="renamed"),
    "ca_file_not_there": Trouble(("nonexistent.crt", "No such file or directory", "the certificate of the authority", "in PEM form", "on the controller"), trusts="nonexistent"),
    "ca_file_without_certificate": Trouble(("empty.crt", "it holds no certificate in PEM form", "on the controller"), trusts="empty"),
    "maintenance": Trouble(("answered 500", "maintenance mode"), maintains),
    "no_couchdb": Trouble(("is no CouchDB", "correct url in cht_sync_sources"), page_for_people, "couchdb", None),
    "couchdb_is_away": Trouble(("answered 500", "see that CouchDB, and CHT before it, are well"), lambda _cht, couchdb: couchdb.__exit__()),
    "nobody": Trouble(("http://127.0.0.1:9/medic cannot be reached", "Connection refused", "check url in cht_sync_sources"), at="gone", trusts=None),
}  # fmt: skip
