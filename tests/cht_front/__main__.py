# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CHT as a program, which makes its certificate where none is given: python3 -m cht_front --upstream http://127.0.0.1:5984"""

from __future__ import annotations

import argparse
import tempfile
import threading
from pathlib import Path

from cht_front.authority import Authority, Certificate
from cht_front.front import CHT


def main() -> None:
    parser = argparse.ArgumentParser(prog="cht_front", description=__doc__)
    parser.add_argument("--upstream", required=True, help="address of CouchDB, http")
    parser.add_argument("--certificate", help="PEM file; with --key")
    parser.add_argument("--key", help="PEM file")
    parser.add_argument("--address", default="127.0.0.1", help="where it listens")
    parser.add_argument("--port", type=int, default=443, help="of https")
    parser.add_argument("--plain-port", type=int, default=80, help="of http, which points to https")
    parser.add_argument("--online", action="append", default=[], metavar="USER", help="an online user; may be repeated")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        authority = None if given.certificate else Authority(Path(directory))
        certificate = Certificate(given.certificate, given.key) if authority is None else authority.certificate()
        ports = given.port, given.plain_port
        with CHT(given.upstream, certificate, tuple(given.online), address=given.address, ports=ports) as cht:
            print(f"{cht.url} {authority.ca_file if authority else ''}".strip(), flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    main()
