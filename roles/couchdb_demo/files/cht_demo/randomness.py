# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything random is drawn from here, so that one seed gives one instance."""

from __future__ import annotations

import hashlib
import random
import uuid


def stream(seed: str, *parts: object) -> random.Random:
    """Return a random generator of its own for the thing named by `parts`.

    Separate streams keep one part of the instance unchanged when another part draws more numbers.
    """
    return random.Random("|".join([seed, *map(str, parts)]))


def uuid_for(seed: str, *parts: object) -> str:
    """Return the same version 4 UUID text for the same seed and `parts`."""
    text = "|".join([seed, *map(str, parts)])
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def sha256_for(*parts: object) -> str:
    """Return a hexadecimal SHA-256 of `parts`, used where CHT stores a checksum."""
    return hashlib.sha256("|".join(map(str, parts)).encode("utf-8")).hexdigest()
