# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a relay says of a change that its limits do not let pass."""

from __future__ import annotations

from cht_engine.errors import Refused

WAIT_AFTER_TOO_LARGE = 600.0  # seconds; each try reads all the limit allows


def too_large(what: str, limit: int) -> Refused:
    """What to say of one row that is longer than a document may be."""
    return Refused(
        f"{what} is larger than relay_max_document_bytes ({limit}):"
        " raise it, and relay_memory_max to four times as much, and run site.yml",
        WAIT_AFTER_TOO_LARGE,
    )
