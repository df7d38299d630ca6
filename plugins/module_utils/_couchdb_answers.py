# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of CouchDB means, and what to do: the one table of it.

Preflight and the modules read it here. The engines have this very file as
``cht_engine.answers``, so it needs nothing but Python.

CouchDB may be asked directly, or through CHT, whose nginx and API answer for it.
"""

from __future__ import annotations

import http.client
import json
import platform
import re
import ssl
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple
from urllib.parse import urljoin, urlsplit, urlunsplit

CHT_LIMIT = 10.0  # seconds for which CHT refuses an address after refused tries
_BY_PLAYBOOK = "(playbooks/couchdb_account.yml does that)"
_AGAIN = "and run site.yml"
_LOOKS = 3
Info = Dict[str, Any]
_CA_FILE = "ca_file in cht_sync_sources, a file on the controller,"


@dataclass(frozen=True)
class Asked:
    """What was asked, as ``cht_sync_sources`` has it. ``url``: without a slash at its
    end. ``position``: whether a place in the feed was named. ``machine``: who asked.
    ``ca_is_elsewhere``: whether ``ca_file`` is on another machine, the controller."""

    url: str
    database: str
    username: str
    ca_file: Optional[str] = None
    position: bool = False
    machine: str = field(default_factory=platform.node)
    ca_is_elsewhere: bool = False

    @property
    def place(self) -> str:
        """The database's address."""
        return f"{self.url}/{self.database}"

    @property
    def tls(self) -> bool:
        """Whether https is spoken."""
        return self.url.startswith("https://")


@dataclass(frozen=True)
class Meaning:
    """``kind``: one word. ``wait``: seconds after which the server answers again, as
    far as that is known."""

    kind: str
    meaning: str
    remedy: str
    wait: float = 0.0

    def __str__(self) -> str:
        return f"{self.meaning}: {self.remedy}"


@dataclass(frozen=True)
class Server:
    """What answers. ``kind``: ``cht``, ``couchdb`` or ``unknown``."""

    kind: str
    version: str = ""

    def __str__(self) -> str:
        name = {"cht": "CHT", "couchdb": "CouchDB itself"}.get(self.kind, "a server that names itself neither CHT nor CouchDB")
        return f"{name}, version {self.version}" if self.version else name


def of_answer(status: int, headers: Mapping[str, str], body: bytes, asked: Asked) -> Optional[Meaning]:
    """What an answer means; None for the one that was hoped for."""
    said = _Said(body)
    user, place = asked.username, asked.place
    if status == 200:
        return None if said.members is not None else no_json(asked)
    if status == 401:
        return Meaning(
            "password",
            f"CouchDB refused the credentials of user {user} at {place} (401)",
            f"correct username or password in cht_sync_sources {_AGAIN}; playbooks/couchdb_account.yml makes the account. "
            "Five refused tries lock an account for five minutes",
        )
    if status == 403:
        return _forbidden(said, asked)
    if status == 404:
        return Meaning(
            "missing",
            f"CouchDB has no database {place} (404)",
            f"correct databases in cht_sync_sources (names carry hyphens, as in medic-sentinel) {_AGAIN}",
        )
    if status == 429:
        wait = retry_after(headers) or CHT_LIMIT
        return Meaning(
            "limited",
            f"CHT answers user {user} and {asked.machine} with 429 after refused tries",
            f"wait {wait:.0f} s, see that nobody else asks with a wrong password, {_AGAIN}",
            wait,
        )
    if status in (301, 302, 303, 307, 308):
        return _redirect(status, headers.get("Location") or "", asked)
    # 497 is nginx's own name for it, which CHT's pages of errors let out.
    if status in (400, 497) and not asked.tls and said.reason is None:
        return Meaning(
            "not_http",
            f"the port of {asked.url} does not speak http ({status}{said.in_words})",
            f"if it speaks https, write https:// in url of cht_sync_sources {_AGAIN}",
        )
    if status == 400 and asked.position:
        return Meaning("position", f"CouchDB refused the position of {place} (400)", "playbooks/resync.yml reads the source again from the start")
    if status >= 500:
        return _unwell(status, headers, said, asked)
    return Meaning("odd", f"CouchDB at {place} answered {status}, which is not expected", f"correct url in cht_sync_sources {_AGAIN}")


def of_error(error: BaseException, asked: Asked, sent: bool = False) -> Meaning:
    """What it means that no answer came, or none to its end. ``sent``: whether the
    server has the request for certain."""
    words = reason(error)
    trouble = ca_file_trouble(asked.ca_file) if asked.tls and asked.ca_file and not asked.ca_is_elsewhere else None
    if trouble:
        return Meaning(
            "ca_file",
            f"{asked.ca_file}, ca_file of {asked.url}, is no file with a certificate on {asked.machine} ({trouble})",
            f"see that {_CA_FILE} holds the certificate of the authority, in PEM form, {_AGAIN}, which brings it to the machine",
        )
    for cause in chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError":
            return _certificate(cause, asked)
        if isinstance(cause, ssl.SSLError) and asked.tls and not sent and cause.reason in _NO_TLS:
            return Meaning(
                "not_https",
                f"the port of {asked.url} does not speak https ({words})",
                f"if it speaks http, write http:// in url of cht_sync_sources, or give the port for https, {_AGAIN}",
            )
        if isinstance(cause, http.client.BadStatusLine) and not asked.tls and not _is_cut(cause):
            return Meaning(
                "not_http",
                f"the port of {asked.url} does not speak http (what it answers is something else)",
                f"if it speaks https, write https:// in url of cht_sync_sources {_AGAIN}",
            )
    if "handshake operation timed out" in words:  # so does CouchDB where its port is for http
        return Meaning(
            "no_handshake",
            f"{asked.url} does not answer {asked.machine} with TLS ({words})",
            f"if the port speaks http, write http:// in url of cht_sync_sources {_AGAIN}; else check the network and any firewall",
        )
    if sent:
        also = "" if asked.tls else ", and that the port is not one for https"
        return Meaning("broken", f"no whole answer of CouchDB at {asked.place} ({words})", f"see that CouchDB, and CHT before it, are well{also}")
    return Meaning(
        "unreachable",
        f"CouchDB at {asked.place} cannot be reached from {asked.machine} ({words})",
        "check url in cht_sync_sources, the network and any firewall",
    )


def of_feed(info: Mapping[str, Any], page: Mapping[str, Any], asked: Asked) -> Optional[Meaning]:
    """Whether the feed shows less than the database holds; None if it does not.

    ``info``: what the database said of itself, before ``page``, the feed's first page,
    was asked for. In CouchDB's feed each document stands once, deleted ones too.
    """
    pending = page.get("pending")
    if not isinstance(pending, int):
        # CouchDB has named it since version 2, which made clusters. CHT leaves it out for offline users.
        return without_pending(asked) if "cluster" in info else None
    seen = len(page.get("results") or ()) + pending
    held = sum(info[key] for key in ("doc_count", "doc_del_count") if isinstance(info.get(key), int))
    return _partial(f"shows {seen} documents of {held}", asked) if seen < held else None


def without_pending(asked: Asked) -> Meaning:
    """A feed that does not say how much is left, of a CouchDB that would."""
    return _partial("does not say how much is left, as CHT's does for offline users", asked)


def whole_feed(look: Callable[[], Tuple[Info, Info]], asked: Asked) -> Tuple[Info, Info, Optional[Meaning]]:
    """What ``look`` found, and what is wrong if the feed shows less than the database holds.

    ``look`` asks for what the database says of itself, and then for the feed's first page. A busy database may get another
    document, or a copy of it may lag, between the two: so it is asked again before something is wrong.
    """
    for _look in range(_LOOKS):
        info, page = look()
        part = of_feed(info, page, asked)
        if part is None:
            break
    return info, page, part


def no_json(asked: Asked) -> Meaning:
    """Something else answers."""
    return Meaning("no_json", f"what answers at {asked.place} is no CouchDB: its answer is no JSON", f"correct url in cht_sync_sources {_AGAIN}")


def server(api: "tuple[int, bytes]", root: "tuple[int, bytes]") -> Server:
    """Who answers, by status and body of ``/api/info``, which CHT alone has, and of ``/``.

    CHT hands ``/`` on to its CouchDB, so that alone says nothing.
    """
    known = _Said(api[1]).members or {}
    if api[0] == 200 and isinstance(known.get("version"), str):
        return Server("cht", _short(known["version"]))
    welcome = _Said(root[1]).members or {}
    if (api[0], known.get("error")) == (404, "not_found") and root[0] == 200 and welcome.get("couchdb") == "Welcome":
        return Server("couchdb", _short(str(welcome.get("version", ""))))
    return Server("unknown")


def ca_file_trouble(path: str) -> Optional[str]:
    """Why nothing can be trusted by this file, in a few words; None if it can."""
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        return "it holds no certificate in PEM form"
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def reason(error: BaseException) -> str:
    """Why a request failed, in a few words.

    The operating system's text if there is one, else only the error's class: other
    texts may quote what was sent or received.
    """
    for cause in reversed(list(chain(error))):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, OSError) and type(cause).__module__ in ("builtins", "http.client", "socket", "ssl"):
            return _PLACE_IN_SSL.sub("", str(cause.strerror or cause)) or type(cause).__name__
    return type(error).__name__


def chain(error: Optional[BaseException]) -> Iterator[BaseException]:
    """An error, and what lies behind it."""
    while error is not None:
        yield error
        behind = getattr(error, "reason", None)
        error = behind if isinstance(behind, BaseException) else error.__cause__ or error.__context__


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds a ``Retry-After`` header asks for, 0.0 without a usable one."""
    value = headers.get("Retry-After") or ""
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
        if when.tzinfo is None:
            when = when.replace(tzinfo=timezone.utc)
        return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


# What OpenSSL says where the other side speaks no TLS at all.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")
_PLACE_IN_SSL = re.compile(r" ?\(?_ssl\.c:\d+\)?:? ?")  # of Python's source
_WRONG_NAME = (62, 64)  # of a host, of an IP address
_OUT_OF_TIME = (9, 10)  # not yet, no longer


class _Said:
    """The body of an answer. ``members``: of its JSON object; None if it is none."""

    def __init__(self, body: bytes) -> None:
        self.text = body[:4000].decode(errors="replace")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        self.members = found if isinstance(found, dict) else None

    @property
    def reason(self) -> Optional[str]:
        """CouchDB's word for what is wrong."""
        return self._word("reason")

    @property
    def details(self) -> Optional[str]:
        """CHT's."""
        return self._word("details")

    @property
    def in_words(self) -> str:
        """What was said, to be put behind a status."""
        words = self.details or self.reason or self._word("error")
        return f": {words}" if words else ""

    def _word(self, name: str) -> Optional[str]:
        word = (self.members or {}).get(name)
        return _short(word) if isinstance(word, str) and word else None


def _is_cut(error: http.client.BadStatusLine) -> bool:
    """Whether http was spoken, and broke off in its first line, or before."""
    return isinstance(error, OSError) or "HTTP/"[: len(error.line)] == error.line[:5]


def _forbidden(said: _Said, asked: Asked) -> Meaning:
    user, place = asked.username, asked.place
    if "temporarily locked" in said.text:
        return Meaning(
            "locked",
            f"CouchDB refused the credentials of user {user} at {place} (403: the account is locked after refused tries)",
            f"wait five minutes without any try, correct password in cht_sync_sources if it is wrong, {_AGAIN}",
        )
    if "offline users" in (said.details or "").lower():
        return Meaning(
            "offline",
            f"CHT takes user {user} for an offline user and does not show it {place} (403{said.in_words})",
            f"give the account the role mm-online {_BY_PLAYBOOK}, or write CouchDB's own address as url in cht_sync_sources, {_AGAIN}",
        )
    if "not allowed to access this db" in (said.reason or ""):
        return Meaning(
            "member",
            f"CouchDB does not let user {user} read {place} (403{said.in_words})",
            f"make the account a member of the database {_BY_PLAYBOOK} {_AGAIN}",
        )
    return Meaning(
        "forbidden",
        f"CouchDB refused user {user} at {place} (403{said.in_words})",
        f"give the account what it needs {_BY_PLAYBOOK} {_AGAIN}",
    )


def _redirect(status: int, location: str, asked: Asked) -> Meaning:
    try:
        target = urlsplit(urljoin(f"{asked.place}/", location))
        host = target.netloc.rpartition("@")[2]
    except ValueError:
        target, host = urlsplit(""), ""
    path = target.path.rstrip("/")
    kept = path[: -len(asked.database) - 1] if path.endswith(f"/{asked.database}") else None
    base = None if kept is None or not host else urlunsplit((target.scheme, host, kept, "", ""))
    shown = _short(urlunsplit((target.scheme, host, target.path, "", "")) if host else target.path)
    if base is None or base == asked.url:
        remedy = "write the address at which CHT or CouchDB answers itself as url in cht_sync_sources"
    else:
        remedy = f"write {_short(base)} as url in cht_sync_sources"
    clear = "" if asked.tls else ". With http the password would travel in clear"
    return Meaning("redirect", f"{asked.place} redirects to {shown or 'nowhere'} ({status})", f"{remedy} {_AGAIN}{clear}")


def _unwell(status: int, headers: Mapping[str, str], said: _Said, asked: Asked) -> Meaning:
    what = f"CouchDB answered {status}"
    if "No DB shards could be opened" in said.text:
        return Meaning(
            "maintenance",
            f"{what} at {asked.place}: it is in maintenance mode, or a part of the database is away",
            "end the maintenance, or wait for it",
        )
    return Meaning("unwell", f"{what} at {asked.place}", "see that CouchDB, and CHT before it, are well", retry_after(headers))


def _certificate(cause: BaseException, asked: Asked) -> Meaning:
    code = getattr(cause, "verify_code", _WRONG_NAME[0])
    words = getattr(cause, "verify_message", "another name").rstrip(".")
    if code in _WRONG_NAME:
        return Meaning(
            "name",
            f"the certificate of {asked.url} is for another name ({words})",
            f"write the name that the certificate has in url of cht_sync_sources, or correct the certificate, {_AGAIN}",
        )
    if code in _OUT_OF_TIME:
        return Meaning("out_of_time", f"the certificate of {asked.url} is out of its time ({words})", f"renew it, or correct the clock of {asked.machine}")
    if asked.ca_file:
        where = f"{asked.ca_file} is of another one: see that {_CA_FILE} holds its certificate"
    else:
        where = "name the file with its certificate, which lies on the controller, in base_ca_certificates, or as ca_file in cht_sync_sources,"
    return Meaning(
        "untrusted",
        f"{asked.machine} does not trust the certificate of {asked.url} ({words})",
        f"if an authority of your own signed it, {where} {_AGAIN}; else correct url, or the certificate",
    )


def _partial(how: str, asked: Asked) -> Meaning:
    return Meaning(
        "partial",
        f"the feed of {asked.place} {how}: user {asked.username} sees a part only, and nothing is copied",
        f"give the account the role mm-online {_BY_PLAYBOOK}, or write CouchDB's own address as url in cht_sync_sources, {_AGAIN}",
    )


def _short(text: str) -> str:
    """Fit for one line of a log."""
    return "".join(letter for letter in text[:200] if letter.isprintable())
