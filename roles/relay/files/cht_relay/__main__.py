# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python3 -m cht_relay run --config FILE``, ``status``, ``parity``,
and ``check``, which reads a configuration as the others would.

Exit codes: 0 stopped by a signal, nothing differs, or it can be used; 3 the source is another process's
or engine's; 4 parity found differences; 78 the configuration cannot be used; 1 anything
unforeseen, or parity could not compare. systemd must not restart after 3 and 78: another
try changes nothing, and after 3 it would start a fight.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from typing import Any, List, Optional

from cht_engine import journal, stopping
from cht_relay import config, parity_config, progress
from cht_relay.engine import Engine
from cht_engine.errors import LeaseLost
from cht_engine.notify import Notifier
from cht_engine.settings import ConfigError

EXIT_STOPPED = 0
EXIT_UNFORESEEN = 1
EXIT_LEASE_LOST = 3
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h

log = logging.getLogger("cht_relay")


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command; the exit code is returned."""
    parser = argparse.ArgumentParser(prog="cht-relay", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="carry the changes of one database")
    run.add_argument("--config", required=True, metavar="FILE", help="JSON file")
    status = commands.add_parser("status", help="what each relay told last")
    status.add_argument("--runtime-dir", default="/run/cht-relay", metavar="DIR")
    check = commands.add_parser("check", help="read a configuration, without its secrets")
    kinds = check.add_mutually_exclusive_group(required=True)
    kinds.add_argument("--config", metavar="FILE", help="of run")
    kinds.add_argument("--parity-config", metavar="FILE", help="of parity")
    _add_parity(commands)
    options = parser.parse_args(argv)
    if options.command == "check":
        return _check(options)
    if options.command == "parity":
        return _parity(options)
    if options.command == "status":
        print(progress.table(options.runtime_dir))
        return EXIT_STOPPED
    journal.setup("cht_relay")
    notifier = Notifier()
    stop = threading.Event()
    try:
        stopping.on_signals(stop)
        settings = config.load(options.config)
        settings.secrets()
        notifier.ready()
        Engine(settings, notifier, stop).run()
    except stopping.Stopped:
        log.info("stopped")
        notifier.stopping()
        return EXIT_STOPPED
    except ConfigError as error:
        log.error("%s", error)
        return EXIT_CONFIG
    except LeaseLost as problem:
        log.error("%s; ending, so as not to fight over the source", problem)
        notifier.status(f"lost the source: {problem}")
        return EXIT_LEASE_LOST
    except Exception as error:  # pylint: disable=broad-except
        log.critical("%s", journal.unforeseen(error))
        return EXIT_UNFORESEEN


def _check(options: argparse.Namespace) -> int:
    try:
        if options.config:
            config.load(options.config)
        else:
            parity_config.read(options.parity_config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    return EXIT_STOPPED


def _add_parity(commands: Any) -> None:
    parity = commands.add_parser(
        "parity", help="compare the documents of CouchDB and PostgreSQL"
    )
    add = parity.add_argument
    add("sources", nargs="*", metavar="SOURCE", help="as status names it; all if none")
    add("--sample", type=_count, metavar="N", help="about N documents, not all")
    add("--repair", action="store_true", help="fetch and flag what differs")
    add("--most-vanished", type=int, default=100, metavar="N", help="flag no more")
    add("--settle", type=float, default=10.0, metavar="SECONDS", help="before it counts")
    add("--config-dir", default="/etc/cht-sync/parity", metavar="DIR")
    add("--runtime-dir", default="/run/cht-parity", metavar="DIR")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(text)


def _parity(options: argparse.Namespace) -> int:
    from cht_relay import parity  # a relay itself has no use for psycopg2

    journal.setup("cht_relay")
    asked = vars(options)
    del asked["command"]
    try:
        # Long enough to start a relay again.
        stopping.on_signals(last_resort=120.0, last_code=EXIT_UNFORESEEN)
        wanted = parity.Options(**{**asked, "sources": tuple(options.sources)})
        return parity.run(wanted, lambda line: print(line, flush=True))
    except stopping.Stopped:
        log.error("stopped before the end")
        return EXIT_UNFORESEEN
    except ConfigError as error:
        log.error("%s", error)
        return EXIT_CONFIG
    except Exception as error:  # pylint: disable=broad-except
        log.critical("%s", journal.unforeseen(error))
        return EXIT_UNFORESEEN


if __name__ == "__main__":
    sys.exit(main())
