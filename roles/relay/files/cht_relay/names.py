# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids as the warehouse writes them. PostgreSQL holds no NUL and no half of a surrogate
pair: a row whose id has one bears a shortened id; the original is kept beside, as JSON.
"""

from __future__ import annotations

import json
import re
from typing import Optional

_HALF = re.compile("[\ud800-\udfff]")


def stored(id_: str) -> str:
    """The id of the row: without NULs, and with U+FFFD for lone surrogates."""
    if id_.isprintable():
        return id_
    units = id_.replace("\0", "").encode("utf-16-le", "surrogatepass")
    return units.decode("utf-16-le", "replace")


def kept_apart(id_: str) -> str:
    """The id in quarantine."""
    if stored(id_) == id_:
        return id_
    text = json.dumps(id_, ensure_ascii=False)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def original(stored_id: str, text: Optional[str]) -> str:
    """The id of the document, from its row; ``text``: the original, if there is one."""
    return stored_id if text is None else json.loads(text)
