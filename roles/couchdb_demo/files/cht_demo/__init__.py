# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A demo Community Health Toolkit instance: generated documents, a loader and a live writer.

The shapes follow CHT Core's default configuration; no document describes a real person or place.
"""

from cht_demo.instance import DATABASES, Instance, encode, generate

__all__ = ["DATABASES", "Instance", "encode", "generate"]
