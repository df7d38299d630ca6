# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the warehouse must hold, written down once more, in plain Python."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal

from couch import Change

SECRETS = ("derived_key", "salt", "password_scheme")


@dataclass(frozen=True)
class Stored:
    source: str
    rev: str | None
    deleted: bool
    doc: str  # canonical
    seq: str | None


class Expected:
    """The tables, as they must be after the calls made so far."""

    def __init__(self):
        self.documents: dict[str, Stored] = {}
        self.owners: dict[str, str] = {}  # whose row it is: of ids that are stored alike, the first
        self.quarantined: set[tuple[str, str]] = set()  # source and id of all that ever was
        self.open: dict[tuple[str, str], str] = {}  # and of what still is, with the newest one's seq
        self.last_seq: dict[str, str | None] = {}

    def ingest(self, source: str, changes: list[Change], last_seq: str | None) -> tuple[list[str], int]:
        """Takes a call; returns the ids it writes, in the order of their stamps, and how many it quarantines."""
        written, quarantined = [], 0
        for change in changes:
            id_, name = clean(change.id), kept_apart(change.id)
            old, new = self.documents.get(id_), stored(source, change)
            if change.id.startswith("_design/"):
                continue
            if change.poison or (old and (old.source, self.owners[id_]) != (source, change.id)):
                self.quarantined.add((source, name))
                self.open[source, name] = change.seq
                quarantined += 1
                continue
            self.open.pop((source, name), None)
            if not (old and _same(old, new)):
                self.documents[id_] = new
                self.owners[id_] = change.id
                written.append(id_)
        if last_seq is not None:
            self.last_seq[source] = last_seq
        return written, quarantined


def stored(source: str, change: Change) -> Stored:
    """What is kept of a change."""
    if change.deleted:
        doc = {key: clean(value) for key, value in change.doc.items() if key in ("_id", "_rev", "_deleted") and value is not None}
    else:
        doc = {key: value for key, value in clean(change.doc).items() if key not in SECRETS}
    return Stored(source, change.rev, change.deleted, canonical(json.dumps(doc)), change.seq)


def holds(row: Stored, change: Change) -> bool:
    """Whether a row is up to date with its source's document. Its seq is of when this revision was first seen, and
    any tombstone stands for a later one whose event did not tell the revision.
    """
    rev = row.rev if change.deleted else change.rev
    return replace(row, seq=change.seq) == stored(row.source, replace(change, rev=rev))


def canonical(text: str) -> str:
    """One spelling of a JSON text, its numbers exact."""
    value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return json.dumps(value, sort_keys=True, default=lambda number: {"number": _digits(number)})


def table(cursor) -> dict[str, Stored]:
    """The raw table as it is."""
    cursor.execute("SELECT _id, source, _rev, _deleted, doc::text, seq FROM v1.couchdb")
    return {id_: Stored(source, rev, deleted, canonical(doc), seq) for id_, source, rev, deleted, doc, seq in cursor.fetchall()}


def open_entries(cursor) -> dict[tuple[str, str], str]:
    """What is in quarantine, as Expected.open."""
    cursor.execute(
        "SELECT DISTINCT ON (source, doc_id) source, doc_id, seq FROM v1.quarantine WHERE closed_at IS NULL ORDER BY source, doc_id, stamp DESC"
    )
    return {(source, id_): seq for source, id_, seq in cursor.fetchall()}


def _same(old: Stored, new: Stored) -> bool:
    if new.deleted and new.rev is None:
        return old.deleted
    return (old.rev, old.deleted) == (new.rev, new.deleted)


def kept_apart(id_: str) -> str:
    """The id in quarantine: as JSON where it is not stored as it is."""
    if clean(id_) == id_:
        return id_
    return '"' + "".join(json.dumps(each, ensure_ascii="\ud800" <= each <= "\udfff")[1:-1] for each in id_) + '"'


def clean(value):
    """Without what jsonb cannot hold: no NUL, and U+FFFD for a lone surrogate."""
    if isinstance(value, str):
        joined = json.loads(json.dumps(value.replace("\0", "")))  # two halves that meet make a pair
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in joined)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def _digits(number: Decimal) -> str:
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
