# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python3 -m cht_relay run --config FILE``, and ``status``.

Exit codes: 0 stopped by a signal, 3 the source is another process's or engine's,
78 the configuration cannot be used, 1 anything unforeseen. systemd must not restart
after 3 and 78: another try changes nothing, and after 3 it would start a fight.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from typing import List, Optional

from cht_engine import journal, stopping
from cht_relay import config, progress
from cht_relay.engine import Engine
from cht_engine.errors import LeaseLost
from cht_engine.notify import Notifier

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
    options = parser.parse_args(argv)
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
    except config.ConfigError as error:
        log.error("%s", error)
        return EXIT_CONFIG
    except LeaseLost as problem:
        log.error("%s; ending, so as not to fight over the source", problem)
        notifier.status(f"lost the source: {problem}")
        return EXIT_LEASE_LOST
    except Exception as error:  # pylint: disable=broad-except
        log.critical("%s", journal.unforeseen(error))
        return EXIT_UNFORESEEN


if __name__ == "__main__":
    sys.exit(main())
