# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before CouchDB at a CHT: nginx and cht-api, as far as a reader of CouchDB meets them.

It is put before anything that answers like a CouchDB. What it does follows the sources of CHT 4 and 5 (api/src/routing.js,
nginx/nginx.conf); nothing of it was copied.
"""

from cht_front.authority import Authority
from cht_front.front import CHT

__all__ = ["CHT", "Authority"]
