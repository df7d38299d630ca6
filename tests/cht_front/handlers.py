# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a request: first in nginx, then in cht-api."""

from __future__ import annotations

import base64
import binascii
import json
import re
import socket
import zlib
from http.client import HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from cht_front.upstream import session, sent

FIREWALL = {"code": 403, "error": "forbidden", "details": "Offline users are not allowed access to this endpoint"}
_ONLINE_ROLES = {"_admin", "admin", "mm-online"}
_MAINTENANCE = {"error": "internal_server_error", "reason": "No DB shards could be opened.", "ref": 1939811338}
# Of the main database: what no permission is asked for, though it is a POST.
_READ_BY_POST = re.compile(r"/medic/(_changes|_all_docs|_bulk_get|_find|_explain|_revs_diff|_missing_revs|_design/[^/]+/_view/.*)/?$")
_COMPRESSED_FROM = 1024  # bytes


class Asked(NamedTuple):
    """A request that came. `user`: None where it had no credentials."""

    method: str
    path: str
    user: str | None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 3600

    def version_string(self) -> str:
        return "nginx"

    def log_message(self, *_) -> None:
        """Says nothing."""

    def handle_any(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:  # noqa: N802 (its caller's name)
        self.handle_any()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        """A whole answer of nginx or cht-api itself."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        packs = self.packs(kind, len(body))
        if packs:
            packer = zlib.compressobj(wbits=31)
            body = packer.compress(body) + packer.flush()
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: int, title: str, **headers: str) -> None:
        """To a request in clear: one of CHT's pages for nginx, by what the client accepts."""
        self.server.cht.asked_in_clear.append(_asked(self))
        self.close_connection = True
        if "application/json" in self.headers.get("Accept", ""):
            page, kind = json.dumps({"type": "ERROR", "error": title, "server": "nginx"}, indent=2).encode(), "application/json"
        else:
            page, kind = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n".encode(), "text/html"
        self.answer(status, page, kind, Connection="close", **headers)

    def packs(self, kind: str, length: int | None) -> bool:
        """Whether an answer goes out compressed."""
        asked = "gzip" in self.headers.get("Accept-Encoding", "")
        return asked and kind.split(";")[0] in ("application/json", "text/html", "text/plain") and (length is None or length >= _COMPRESSED_FROM)


class PlainHandler(_Handler):
    """Port 80."""

    def handle_any(self) -> None:
        host, port = self.headers.get("Host", "").partition(":")[0], self.server.cht.port
        location = f"https://{host}{'' if port == 443 else f':{port}'}{self.path}"
        self.refuse(301, "301 Moved Permanently", Location=location)


class TLSHandler(_Handler):
    """Port 443."""

    def setup(self) -> None:
        # The handshake in the thread of the request, so that one that fails is that client's own trouble.
        self.request.settimeout(10)
        self.speaks_tls = self.request.recv(1, socket.MSG_PEEK) == b"\x16"
        if self.speaks_tls:
            self.request = self.server.cht.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        try:
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.request.close()

    def handle_any(self) -> None:
        if not self.speaks_tls:
            self.refuse(400, "400 Bad Request - The plain HTTP request was sent to HTTPS port")
            return
        _Request(self).answer()


class _Request:
    """A request that has come to cht-api."""

    def __init__(self, handler: TLSHandler) -> None:
        self._handler, self._cht = handler, handler.server.cht
        self._body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self._credentials = _credentials(handler.headers.get("Authorization", ""))
        self._url = re.sub("/+", "/", handler.path)
        self._path = urlsplit(self._url).path
        self._cht.asked.append(_asked(handler))

    def answer(self) -> None:
        limiter = self._cht.limiter
        keys = [self._handler.client_address[0], *(self._credentials or ())]
        if self._credentials and limiter.is_limited(keys):
            self._say(429, "Too Many Requests")
            return
        status = self._routed()
        if status in (401, 429):
            limiter.count(keys)

    def _routed(self) -> int:
        """Answers, and returns the status."""
        get, path = self._handler.command == "GET", self._path
        try:
            if get and path == "/":
                as_couchdb = self._handler.headers.get("Accept") == "application/json"
                return self._pass_on() if as_couchdb else self._page("the application")
            if get and path == "/api/info":
                return self._json(200, {"version": self._cht.version})
            if get and path == "/medic/login":
                return self._page("the login")
            if path == "/_session":
                return self._pass_on()
            user = session(self._cht.upstream, self._sent_headers())
            if get and path == "/medic":
                return self._redirect("/medic/")
            if user.status == 401:
                return self._not_logged_in()
            if user.status != 200:
                return self._say(user.status if user.status < 500 else 500, user.problem if user.status < 500 else "Server error")
            name = self._credentials[0] if self._credentials else None
            return self._of_user(name, user.roles)
        except (OSError, HTTPException):
            return self._say(500, "Server error")

    def _of_user(self, name: str | None, roles: set[str]) -> int:
        online = name in self._cht.online or bool(roles & _ONLINE_ROLES)
        path = self._path.rstrip("/")
        if path == "/medic/_changes" and not online:
            return self._own_changes()
        if not online and self._cht.firewall:
            return self._json(403, FIREWALL)
        writes = self._handler.command not in ("GET", "HEAD") and path.startswith("/medic/") and not _READ_BY_POST.match(path)
        if writes and name not in self._cht.editors and not roles & {"_admin", "admin"}:
            return self._say(403, "Insufficient privileges")
        if self._cht.maintenance and path:
            return self._json(500, _MAINTENANCE)
        return self._pass_on()

    # --- cht-api's own answers

    def _say(self, status: int, error: str) -> int:
        if self._wants_json:
            return self._json(status, {"code": status, "error": error})
        self._handler.answer(status, error.encode(), "text/plain")
        return status

    def _not_logged_in(self) -> int:
        """A client that does not ask for JSON and says what it is counts as a browser."""
        handler = self._handler
        if self._wants_json:
            return self._json(401, {"code": 401, "error": "unauthorized"}, logout_authorization="CHT-Core API")
        if handler.headers.get("User-Agent"):
            return self._redirect(f"/medic/login?redirect={quote(self._url, safe='')}")
        handler.answer(401, b"not logged in", "text/plain", WWW_Authenticate='Basic realm="Medic Web Services"')
        return 401

    @property
    def _wants_json(self) -> bool:
        accepted = [part.split(";")[0].strip() for part in self._handler.headers.get("Accept", "*/*").split(",")]
        return "application/json" in accepted and not any(kind.startswith("text/") for kind in accepted)

    def _json(self, status: int, body: dict, **headers: str) -> int:
        self._handler.answer(status, json.dumps(body, separators=(",", ":")).encode(), "application/json; charset=utf-8", **headers)
        return status

    def _page(self, title: str) -> int:
        self._handler.answer(200, f"<!doctype html><title>CHT: {title}</title>\n".encode(), "text/html; charset=utf-8")
        return 200

    def _redirect(self, location: str) -> int:
        self._handler.answer(302, f"Found. Redirecting to {location}".encode(), "text/plain; charset=utf-8", Location=location)
        return 302

    def _own_changes(self) -> int:
        """Whatever feed was asked for: one page, of the user's own documents, and not a word of what is left."""
        query = parse_qs(urlsplit(self._url).query)
        since = quote(query.get("since", ["0"])[0])
        docs = "&include_docs=true" if query.get("include_docs") == ["true"] else ""
        with sent(self._cht.upstream, "GET", f"/medic/_changes?since={since}{docs}", self._sent_headers(), None) as answer:
            page = json.loads(answer.read())
        rows = [row for row in page["results"] if self._cht.own(row["id"])]
        return self._json(200, {"results": rows, "last_seq": page["last_seq"]})

    # --- what CouchDB says

    def _sent_headers(self) -> dict[str, str]:
        headers = {name: value for name, value in self._handler.headers.items() if name.lower() not in ("host", "connection", "accept-encoding")}
        return {**headers, "X-Forwarded-For": self._handler.client_address[0], "Accept-Encoding": "identity"}

    def _pass_on(self) -> int:
        handler = self._handler
        body = self._body if self._body or handler.command in ("POST", "PUT") else None
        with sent(self._cht.upstream, handler.command, self._url, self._sent_headers(), body) as answer:
            if answer.status == 401:
                return self._not_logged_in()
            self._stream(answer)
            return answer.status

    def _stream(self, answer: HTTPResponse) -> None:
        """Each piece as it comes, heartbeats among them; cut off where CouchDB was."""
        handler = self._handler
        kind = answer.headers.get("Content-Type", "application/json")
        length = answer.headers.get("Content-Length")
        packs = handler.packs(kind, None if length is None else int(length))
        packer = zlib.compressobj(wbits=31) if packs else None
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "server", "date", "keep-alive"):
                handler.send_header(name, value)
        if packs:
            handler.send_header("Content-Encoding", "gzip")
            handler.send_header("Vary", "Accept-Encoding")
        chunked = packs or length is None
        handler.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", length)))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        try:
            while piece := answer.read1(1 << 16):
                out = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else piece
                handler.wfile.write(_chunk(out) if chunked else out)
            if length is not None and answer.length:
                raise HTTPException("CouchDB has broken off")
        except (OSError, HTTPException):
            handler.close_connection = True
            return
        if chunked:
            handler.wfile.write((_chunk(packer.flush()) if packer else b"") + _chunk(b""))


def _asked(handler: _Handler) -> Asked:
    credentials = _credentials(handler.headers.get("Authorization", ""))
    return Asked(handler.command, handler.path, credentials and credentials[0])


def _credentials(header: str) -> tuple[str, str] | None:
    """User and password."""
    try:
        text = base64.b64decode(header.removeprefix("Basic "), validate=True).decode() if header.startswith("Basic ") else ""
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
