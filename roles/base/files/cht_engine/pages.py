# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One page of CouchDB's ``_changes``, cut into rows without reading the documents.

CouchDB writes ``{"results":[``, then one row a line, ``,\\r\\n`` between two of them,
then a line ``],`` and last ``"last_seq":...,"pending":...}``. A line break cannot occur
inside a JSON string, so that form is cut by looking for bytes alone. Any other layout
of the same JSON is walked value by value. Either way the rows are the sender's bytes:
numbers and escapes keep their spelling.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

from cht_engine.errors import Transient

SEPARATOR = b",\r\n"

_HEAD = b'{"results":['
_END_OF_ROWS = b"\n],\n"
_TAIL = _END_OF_ROWS + b'"last_seq":'
_ROW = b'{"seq":'
_END_OF_ROW = b"}" + SEPARATOR[:-1]
_TWO_ROWS_A_LINE = b"}," + _ROW
# As CouchDB begins a row, where the id holds nothing that JSON escapes.
_PLAIN_ID = re.compile(
    rb'\{"seq":(?:null|"[^"\\]*"),"id":"([ !#-\[\]-~]*)","changes":\[(?:\{"rev":"[^"\\]*"\},?)*\],'
    rb'(?:"deleted":true,)?"doc":'
)
_COMMA_AND_BREAKS = re.compile(rb"[\r\n]*,[\r\n]+|[\r\n]+,")
_BREAKS_TO_SPACES = bytes.maketrans(b"\r\n", b"  ")


class PageError(Transient):
    """Not one whole page of ``_changes``: ask for it again."""


@dataclass(frozen=True)
class Page:
    """Rows of one page, or of a part of one.

    ``body``: the rows' bytes, SEPARATOR between two of them, no other line break.
    ``rows``: how many they are.
    ``last_seq``: the position after them; None for a part that is not the last.
    ``pending``: how many changes come after them; None where that is not known.
    """

    body: bytes
    rows: int
    last_seq: Optional[str]
    pending: Optional[int]

    def call(self) -> bytes:
        """The body of one call of ``api.ingest``: a header line, then the rows."""
        header = {"last_seq": self.last_seq, "pending": self.pending, "rows": self.rows}
        return json.dumps(header).encode("ascii") + b"\n" + self.body

    def without(self, prefixes: Sequence[str]) -> Page:
        """The same page without the rows of documents whose id begins with one of
        ``prefixes``. A row without a readable id stays: it is not ours to judge."""
        if not prefixes or not self.rows:
            return self
        skipped = tuple(prefixes)
        rows = self.body.split(SEPARATOR)
        kept = [r for r in rows if not (_row_id(r) or "").startswith(skipped)]
        if len(kept) == len(rows):
            return self
        return Page(SEPARATOR.join(kept), len(kept), self.last_seq, self.pending)

    def split(self, size: int) -> List[Page]:
        """The same rows in parts of at most ``size`` (>= 1) rows.

        Only the last part carries ``last_seq``; the others count what follows them
        in this page as pending too.
        """
        if self.rows <= size:
            return [self]
        rows = self.body.split(SEPARATOR)
        parts = []
        for start in range(0, self.rows, size):
            some = rows[start : start + size]
            left = self.rows - start - len(some)
            parts.append(
                Page(
                    body=SEPARATOR.join(some),
                    rows=len(some),
                    last_seq=None if left else self.last_seq,
                    pending=None if self.pending is None else self.pending + left,
                )
            )
        return parts


Data = Union[bytes, bytearray]


def cut(data: Data) -> Page:
    """The page in ``data``, the whole body of an answer, in any layout.

    Raises PageError when it is cut short or is no page.
    """
    return _cut_lines(data) or _cut_json(data)


def _cut_lines(data: Data) -> Optional[Page]:
    """The page in ``data`` if it has CouchDB's very layout, else None."""
    end = data.rfind(_TAIL)
    if end < len(_HEAD) or not data.startswith(_HEAD):
        return None
    try:
        tail = json.loads(b"{" + data[end + len(_END_OF_ROWS) :])
    except ValueError:
        return None
    start = len(_HEAD)
    while start < end and data[start] in b"\r\n":
        start += 1
    while start < end and data[end - 1] in b"\r\n":
        end -= 1
    with memoryview(data) as view:  # to copy the rows once, not with every step
        body = bytes(view[start:end])
    rows = _one_row_a_line(body)
    if body and not rows:
        # Heartbeats: on a slow page CouchDB sends single newlines between the rows.
        body = _COMMA_AND_BREAKS.sub(SEPARATOR, body)
        rows = _one_row_a_line(body)
        if not rows:
            return None
    return _page(body, rows, tail)


def _one_row_a_line(body: bytes) -> int:
    """How many rows there are, 0 where they are not one a line. Steps from line break
    to line break: counting them costs as much as all else that is done to a page."""
    if not (body.startswith(_ROW) and body.endswith(b"}")):
        return 0
    rows, at = 1, body.find(b"\n")
    while at >= 0:
        if not (body.endswith(_END_OF_ROW, 0, at) and body.startswith(_ROW, at + 1)):
            return 0
        rows += 1
        at = body.find(b"\n", at + 1)
    # or an array in a document: rare enough
    return 0 if _TWO_ROWS_A_LINE in body else rows


def _cut_json(data: Data) -> Page:
    """The page in ``data`` in any layout JSON allows, else PageError."""
    reader = _Reader(data.decode("utf-8", "surrogateescape"))
    rows: List[bytes] = []
    members: Dict[Any, Any] = {}
    try:
        for _member in reader.items("{", "}"):
            key = json.loads(reader.value())
            reader.take(":")
            if key == "results":
                members[key] = True
                for _row in reader.items("[", "]"):
                    row = reader.value().encode("utf-8", "surrogateescape")
                    rows.append(row.translate(_BREAKS_TO_SPACES))
            else:
                members[key] = json.loads(reader.value())
        if reader.peek() or "results" not in members:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        # Their texts may quote the page.
        raise PageError("CouchDB sent no whole page") from None
    return _page(SEPARATOR.join(rows), len(rows), members)


class _Reader:
    """Walks JSON text; raises ValueError where it is not JSON or ends too early."""

    _space = re.compile(r"[ \t\r\n]*")
    # Numbers stay texts: no limit on their digits, no time spent on their value.
    _decoder = json.JSONDecoder(parse_int=str, parse_float=str)

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        self._at = self._space.match(self._text, self._at).end()  # type: ignore
        return self._text[self._at : self._at + 1]

    def take(self, character: str) -> None:
        """Step over ``character``, which must come next."""
        if self.peek() != character:
            raise ValueError
        self._at += 1

    def value(self) -> str:
        """Step over the next value, whatever it is: its exact text."""
        self.peek()
        start = self._at
        self._at = self._decoder.raw_decode(self._text, start)[1]
        return self._text[start : self._at]

    def items(self, opening: str, closing: str) -> Iterator[None]:
        """Stop before each item of an array or object; the caller steps over it."""
        self.take(opening)
        if self.peek() != closing:
            yield
            while self.peek() != closing:
                self.take(",")
                yield
        self.take(closing)


def _row_id(row: bytes) -> Optional[str]:
    """The id of a row: what its own member says, whatever the document looks like."""
    plain = _PLAIN_ID.match(row)
    if plain:
        return plain.group(1).decode("ascii")
    reader = _Reader(row.decode("utf-8", "surrogateescape"))
    found = None
    try:
        for _member in reader.items("{", "}"):
            key = json.loads(reader.value())
            reader.take(":")
            value = reader.value()
            if key == "id":
                found = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


def _page(body: bytes, rows: int, members: Dict[str, Any]) -> Page:
    last_seq = members.get("last_seq")
    if isinstance(last_seq, int) and not isinstance(last_seq, bool):
        last_seq = str(last_seq)
    if not isinstance(last_seq, str):
        raise PageError("CouchDB sent a page without a last_seq")
    pending = members.get("pending")
    if not isinstance(pending, int) or isinstance(pending, bool) or pending < 0:
        pending = None
    return Page(body, rows, last_seq, pending)
