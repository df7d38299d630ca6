# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a CouchDB database behind HTTP: what a comparison asks, answered as the recorded CouchDB does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from couch import Couch


class CouchServer:
    """Serves `couch` as database `medic` to whoever has the password `p`. `order` sorts ids as `_all_docs` lists them.

    `before` is called with the kind of each request (list, states, documents) before it is answered; `statuses` are the answers to
    the next ones, in place of the real one.
    """

    def __init__(self, couch: Couch, order=lambda id_: id_.encode("utf-8", "surrogatepass")):
        self.couch, self.order = couch, order
        self.before = lambda kind: None
        self.statuses: list[int] = []
        self.asked: list[tuple[str, object]] = []
        self.refused = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer._answer(self, b"")

            def do_POST(self):
                outer._answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, handler, body: bytes):
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if handler.headers["Authorization"] != "Basic dTpw":  # u:p
            self.refused += 1
            return self._send(handler, 401, {"error": "unauthorized", "reason": "Name or password is incorrect."})
        if parts.path == "/medic/_all_docs":
            kind, asked = "list", json.loads(query["startkey"])
        elif parts.path == "/medic/_changes" and query["filter"] == "_doc_ids":
            kind, asked = "documents" if "include_docs" in query else "states", json.loads(body)["doc_ids"]
        else:
            return self._send(handler, 404, {"error": "not_found", "reason": "Database does not exist."})
        self.asked.append((kind, asked))
        self.before(kind)
        if self.statuses:
            return self._send(handler, self.statuses.pop(0), {"error": "x"})
        if kind == "list":
            return self._send(handler, 200, self._listed(asked, int(query["limit"])))
        changes = [change for change in self.couch.changes(None) if change.id in set(asked)]
        rows = ",\r\n".join(change.row() if kind == "documents" else _without_document(change) for change in changes)
        text = '{"results":[\n' + rows + '\n],\n"last_seq":"9-x","pending":7}\n'
        self._send(handler, 200, text.encode())

    def _listed(self, first: str, limit: int) -> dict:
        live = sorted((c for c in self.couch.changes(None) if not c.deleted), key=lambda c: self.order(c.id))
        some = [c for c in live if self.order(c.id) >= self.order(first)][:limit]
        rows = [{"id": c.id, "key": c.id, "value": {"rev": c.rev}} for c in some]
        return {"total_rows": len(live), "offset": 0, "rows": rows}

    def _send(self, handler, status: int, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:
            pass  # the client was killed


def _without_document(change) -> str:
    row = {"seq": change.seq, "id": change.id, "changes": [{"rev": change.rev}], **({"deleted": True} if change.deleted else {})}
    return json.dumps(row)
