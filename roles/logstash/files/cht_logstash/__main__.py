# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python3 -m cht_logstash run|check|check-config --config FILE``.

``check`` lets Logstash test its pipelines; ``check-config`` reads the file alone.

Exit codes of ``run``: 0 another start is due, or stopped by a signal; 1 Logstash died,
or anything unforeseen; 3 a source is another process's or engine's; 77 CouchDB refused
the credentials; 78 the configuration cannot be used. systemd must not restart after 3,
77 and 78: another try changes nothing, would start a fight, or lock the account.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import List, Optional

from cht_engine import journal, stopping
from cht_engine.errors import LeaseLost
from cht_engine.notify import Notifier
from cht_engine.settings import ConfigError
from cht_logstash import config, process
from cht_logstash.launcher import Died, Launcher
from cht_logstash.sources import BadCredentials, Source
from cht_logstash.unreadable import Unreadable

EXIT_AGAIN = 0
EXIT_DIED = 1
EXIT_LEASE_LOST = 3
EXIT_CREDENTIALS = 77  # EX_NOPERM of sysexits.h
EXIT_CONFIG = 78  # EX_CONFIG

log = logging.getLogger("cht_logstash")


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command; the exit code is returned."""
    parser = argparse.ArgumentParser(prog="cht-logstash", description=__doc__)
    parser.add_argument("command", choices=["run", "check", "check-config"])
    parser.add_argument("--config", required=True, metavar="FILE", help="JSON file")
    options = parser.parse_args(argv)
    if options.command == "check-config":
        return _check_config(options.config)
    journal.setup("cht_logstash")
    notifier = Notifier()
    try:
        settings = config.load(options.config)
        if options.command == "check":
            return _check(settings)
        stopping.on_signals(last_resort=process.GRACE + 3)
        notifier.ready()
        unreadable = Unreadable()
        while Launcher(settings, notifier, unreadable).run():
            pass
        return EXIT_AGAIN
    except stopping.Stopped:
        log.info("stopped")
        notifier.stopping()
        return EXIT_AGAIN
    except ConfigError as error:
        return _end(notifier, EXIT_CONFIG, str(error))
    except BadCredentials as problem:
        return _end(
            notifier,
            EXIT_CREDENTIALS,
            f"{problem}; ending, so that CouchDB does not lock the account",
        )
    except LeaseLost as problem:
        text = f"{problem}; ending, so as not to fight over the source"
        return _end(notifier, EXIT_LEASE_LOST, text)
    except Died as problem:
        return _end(notifier, EXIT_DIED, str(problem))
    except Exception as error:  # pylint: disable=broad-except
        text = journal.unforeseen(error)
        if isinstance(error, OSError) and error.strerror:  # as for a full disk
            text += f": {error.strerror}"
        return _end(notifier, EXIT_DIED, text)


def _end(notifier: Notifier, code: int, text: str) -> int:
    log.error("%s", text)
    notifier.status(text)
    return code


def _check_config(path: str) -> int:
    try:
        config.load(path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    return 0


def _check(settings: config.Config) -> int:
    try:
        settings.jwt_secret()
        good, lines = process.check(settings, [Source(feed) for feed in settings.feeds])
    except ConfigError as error:
        good, lines = False, [str(error)]
    if not good:
        for line in lines:
            print(line)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
