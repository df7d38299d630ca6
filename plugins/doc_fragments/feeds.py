# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The sources of the inventory.
    DOCUMENTATION = r"""
options:
  feeds:
    description:
      - The sources, as the filter P(cht.sync.feeds#filter) gives them.
    type: list
    elements: dict
    required: true
  passwords:
    description:
      - Passwords of the CouchDB accounts, by the C(name) of the instance.
    type: dict
    required: true
"""
