# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The connection to CouchDB.
    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of CouchDB, or of the CHT before it, without credentials, as seen from the target.
    type: str
    required: true
  username:
    description:
      - Name of the account that asks.
    type: str
    required: true
  password:
    description:
      - Its password. It is not kept.
    type: str
    required: true
  ca_file:
    description:
      - File with the authority of the server's certificate, on the target, in PEM form. Without it the target's own authorities count.
      - With O(ca_pem) it is the name of the file which that was read from, on the controller.
    type: path
  ca_pem:
    description:
      - Authorities in PEM form, so that nothing has to be on the target before.
      - With O(ca_file) they alone are trusted, without it beside the target's own.
    type: str
"""
