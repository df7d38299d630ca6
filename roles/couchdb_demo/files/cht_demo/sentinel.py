# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentinel's info documents: when a document first reached the server."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Optional

from cht_demo.model import Document
from cht_demo.randomness import stream
from cht_demo.timeline import epoch_ms, iso

# Which transition leaves its mark on which kind of document.
TRANSITIONS = {
    "person": "generate_shortcode_on_contacts", "place": "generate_shortcode_on_contacts",
    "death_report": "death_reporting", "replace_user": "create_user_for_contacts"}


def arrival(seed: str, doc_id: str, made: datetime, factor: float, latest: datetime) -> datetime:
    """When a document made at `made` reached the server: minutes to days later, never after `latest`."""
    rng = stream(seed, "arrival", doc_id)
    chance = rng.random()
    if chance < 0.55:
        minutes = rng.uniform(2, 60)
    elif chance < 0.80:
        minutes = rng.uniform(60, 12 * 60)
    elif chance < 0.95:
        minutes = rng.uniform(24 * 60, 3 * 24 * 60)
    else:
        minutes = rng.uniform(3 * 24 * 60, 9 * 24 * 60)
    return min(made + timedelta(seconds=int(minutes * 60 * factor)), latest)


def info_document(
        doc_id: str, kind: str, arrived: datetime, seed: str, latest: Optional[datetime] = None) -> Document:
    """An info document, 0.25 KB.

    `initial_replication_date` takes all three forms found in the field: epoch milliseconds mostly, ISO
    text from older versions (one in five), and "unknown" (three in a hundred).
    """
    rng = stream(seed, "info", doc_id)
    document: Document = {
        "_id": f"{doc_id}-info", "type": "info", "doc_id": doc_id,
        "initial_replication_date": _written(rng, arrived),
        "latest_replication_date": epoch_ms(latest or arrived), "transitions": {}}
    transition = TRANSITIONS.get(kind)
    if transition:
        document["transitions"] = {transition: {"last_rev": 1, "seq": None, "ok": True}}
    return document


def _written(rng: random.Random, moment: datetime) -> Any:
    chance = rng.random()
    if chance < 0.03:
        return "unknown"
    return iso(moment) if chance < 0.23 else epoch_ms(moment)
