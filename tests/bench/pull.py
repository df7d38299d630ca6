# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a database's changes to their end and does nothing with them: the limit of any reader.

Takes PULL_URL (of the database), PULL_USER and PULL_PASSWORD from the environment.
"""

from __future__ import annotations

import base64
import json
import os
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlencode, urlsplit

ROWS = 500


def main() -> None:
    url = urlsplit(os.environ["PULL_URL"])
    user = f"{os.environ['PULL_USER']}:{os.environ['PULL_PASSWORD']}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(user).decode()}"}
    connection = (HTTPSConnection if url.scheme == "https" else HTTPConnection)(url.hostname, url.port, timeout=300)
    since, pending = "0", 1
    while pending:
        query = urlencode({"include_docs": "true", "limit": ROWS, "seq_interval": ROWS, "since": since})
        connection.request("GET", f"{url.path}/_changes?{query}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, answer.status
        tail = json.loads(b"{" + body[body.rindex(b'"last_seq":') :])
        since, pending = tail["last_seq"], tail["pending"]


if __name__ == "__main__":
    main()
