# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: `load`, `write` and `summary`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from datetime import date
from typing import List, Optional

from cht_demo.couch import Couch, CouchError, read_password
from cht_demo.instance import DEFAULT_SEED, DEFAULT_SIZE, generate
from cht_demo.loader import Loader
from cht_demo.summary import summarise
from cht_demo.writer import Writer


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; returns 0, or 1 after an error message on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (CouchError, ValueError) as error:
        print(f"cht_demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("cht_demo: interrupted; the same command completes it", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cht_demo", description="A demo Community Health Toolkit instance for CouchDB.")
    commands = parser.add_subparsers(dest="command", required=True)

    load = commands.add_parser("load", help="create the databases and load the demo data, once")
    _add_server(load)
    _add_instance(load, None, None)
    load.set_defaults(run=_load)

    write = commands.add_parser("write", help="keep adding reports until SIGTERM")
    _add_server(write)
    write.add_argument("--interval", type=float, default=5.0, help="seconds between reports (default: 5)")
    write.add_argument("--count", type=int, default=0, help="stop after so many reports (default: 0, never)")
    write.set_defaults(run=_write)

    summary = commands.add_parser("summary", help="print what an instance holds as JSON, without a server")
    _add_instance(summary, DEFAULT_SIZE, DEFAULT_SEED)
    summary.set_defaults(run=_summary)
    return parser


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="address of CouchDB, for example http://127.0.0.1:5984")
    parser.add_argument("--username", required=True, help="a server administrator")
    parser.add_argument("--password-file", required=True, help="file whose first line is the password")
    parser.add_argument("--ca-file", help="file with the CA certificates that are trusted, instead of the system's")


def _add_instance(parser: argparse.ArgumentParser, size: Optional[int], seed: Optional[str]) -> None:
    parser.add_argument("--size", type=int, default=size, help=f"documents over all databases (default: {DEFAULT_SIZE})")
    parser.add_argument("--seed", default=seed, help=f"any text; the same text gives the same data (default: {DEFAULT_SEED})")
    parser.add_argument("--today", type=_day, help="the data end before this day, YYYY-MM-DD (default: the current UTC date)")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a date of the form YYYY-MM-DD: {text}") from None


def _couch(options: argparse.Namespace) -> Couch:
    return Couch(options.url, options.username, read_password(options.password_file), options.ca_file)


def _say(text: str) -> None:
    print(text, flush=True)


def _outcome(changed: bool, documents: int) -> None:
    """The machine-readable last line."""
    _say(f"changed={'true' if changed else 'false'} documents={documents}")


def _load(options: argparse.Namespace) -> int:
    result = Loader(_couch(options), _say).load(options.size, options.seed, options.today)
    _outcome(result.changed, result.documents)
    return 0


def _write(options: argparse.Namespace) -> int:
    if options.interval < 0 or options.count < 0:
        raise ValueError("--interval and --count must not be negative")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    written = Writer(_couch(options), stop, _say).run(options.interval, options.count)
    _outcome(written > 0, written)
    return 0


def _summary(options: argparse.Namespace) -> int:
    _say(json.dumps(summarise(generate(options.size, options.seed, options.today)), indent=2, ensure_ascii=False))
    return 0
