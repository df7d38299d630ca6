# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded answers, ready to be parsed or to be sent once more."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
COUCHDB = HERE.parents[1] / "fixtures" / "couchdb-3.5"
POUCHDB = HERE / "fixtures" / "pouchdb-server-4.2.0"


@dataclass(frozen=True)
class Recording:
    """One recorded answer. ``body`` is without chunk framing."""

    name: str
    raw: bytes
    head: bytes
    body: bytes
    whole: bool  # whether HTTP's framing came to its end

    @property
    def wire(self) -> bytes:
        """The answer to send: the very bytes, framed again where that was taken off."""
        if self.head + self.body != self.raw or b"chunked" not in self.head:
            return self.raw
        chunks = [self.body[i : i + 700] for i in range(0, len(self.body), 700)]
        return self.head + b"".join(chunk(c) for c in chunks) + chunk(b"")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; the last one if empty."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def recording(number: str) -> Recording:
    """The recording of CouchDB with this number."""
    (path,) = COUCHDB.glob(f"{number}-*.http")
    return read(path)


def pouchdb(name: str) -> Recording:
    """The recording of pouchdb-server with this name."""
    return read(POUCHDB / f"{name}.http")


def read(path: Path) -> Recording:
    raw = path.read_bytes()
    head, gap, body = raw.partition(b"\r\n\r\n")
    head += gap
    if b"Transfer-Encoding: chunked" not in head or body.startswith(b"{"):
        return Recording(path.name, raw, head, body, whole=True)
    joined, whole = b"", False
    while body and not whole:
        size, _, body = body.partition(b"\r\n")
        length = _hex(size)
        if length is None:
            break
        whole = length == 0
        joined += body[:length]
        body = body[length + 2 :]
    return Recording(path.name, raw, head, joined, whole)


def _hex(text: bytes) -> Optional[int]:
    try:
        return int(text, 16)
    except ValueError:
        return None


def all_pages():
    """Every recording of CouchDB whose body is a page of ``_changes``, whole."""
    found = [read(path) for path in sorted(COUCHDB.glob("*.http"))]
    return [
        r
        for r in found
        if r.body.startswith(b'{"results"') and r.whole and b"left out]" not in r.body
    ]
