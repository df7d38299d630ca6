# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python3 -m cht_dbt update|check|assemble``, in dbt's own environment.

Exit codes: 0 all went well; 1 a model failed, or dbt; 2 wrong options; 3 models of packages failed, and none of the built-in
ones; 78 the configuration cannot be used, as check finds. Each model that failed is a line in the journal.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
import time
from pathlib import Path

from cht_engine import journal
from cht_engine.notify import Notifier
from cht_engine.settings import ConfigError

log = logging.getLogger("cht_dbt")

EXIT_PACKAGE = 3
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
NOTHING = "all models up to date, nothing changed since the last run"


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit code is returned."""
    parser = argparse.ArgumentParser(prog="cht-dbt", description="Runs dbt's models, or puts a project together.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    update = verbs.add_parser("update", help="refresh what changed in the project, and model what was synced")
    update.add_argument("--config", required=True, type=Path, metavar="FILE", help="JSON file")
    update.add_argument("--vars", default="{}", metavar="JSON", help="the project's variables, as dbt takes them")
    update.add_argument("--full-refresh", action="store_true", help="make all models anew")
    update.add_argument("--select", nargs="+", default=[], metavar="MODEL", help="just these models, as dbt's --select takes them")
    update.add_argument("--if-changed", action="store_true", help="nothing, where nothing changed since a run within the last hour")
    update.add_argument("--json", action="store_true", help="say on standard output what became of each model")
    check = verbs.add_parser("check", help="read the configuration of update, and no more")
    check.add_argument("--config", required=True, type=Path, metavar="FILE", help="JSON file")
    assemble = verbs.add_parser("assemble", help="put the project and its packages together")
    assemble.add_argument("--project", required=True, type=Path, metavar="DIR", help="the built-in project")
    assemble.add_argument("--into", required=True, type=Path, metavar="DIR", help="where assembled projects are kept")
    assemble.add_argument("--packages", required=True, metavar="JSON", help="list of name, directory, base, schema")
    assemble.add_argument("--vars", default="{}", metavar="JSON", help="the project's variables, as dbt takes them")
    assemble.add_argument("--forms", default="[]", metavar="JSON", help="list of form, fields: the site's own forms to model")
    options = parser.parse_args(argv)
    journal.setup("cht_dbt")
    if options.verb == "check":
        return _check(options.config)
    if options.verb == "assemble":
        return _assemble(options)
    if options.full_refresh and options.select:
        parser.error("a full refresh of some models drops the foreign keys of others: leave out --select or --full-refresh")
    return _update(options)


def _check(path: Path) -> int:
    # pylint: disable=import-outside-toplevel
    from cht_dbt.update import load

    try:
        load(path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    return 0


def _update(options: argparse.Namespace) -> int:
    # pylint: disable=import-outside-toplevel
    from cht_dbt.update import Update, load

    notifier = Notifier()
    started = time.monotonic()
    update = None
    try:
        settings = dataclasses.replace(load(options.config), variables=json.loads(options.vars))
        update = Update(settings, notifier.status)
        idle = options.if_changed and not update.is_needed()
        well = idle or update.run(options.select, options.full_refresh)
    except Exception as error:  # pylint: disable=broad-except  # journal and status say what it is
        text = _cause(error)
        log.error("%s", text)
        notifier.status(f"failed: {text}")
        well = False
    else:
        text = NOTHING if idle else _sum_up(update, time.monotonic() - started)
        notifier.status(text)
    if options.json:
        outcomes = list(update.outcomes.values()) if update else []
        json.dump({"summary": text, "models": [_row(outcome, update.refreshed) for outcome in outcomes]}, sys.stdout)
    if update and update.trouble:
        return 1
    return 0 if well else exit_code(update)


def exit_code(update) -> int:
    """The exit code of a run that did not go well."""
    # pylint: disable=import-outside-toplevel
    from cht_dbt.assembly import OWN_NAME

    wrong = [outcome for outcome in update.outcomes.values() if outcome.status != "success"] if update else []
    return EXIT_PACKAGE if wrong and all(outcome.package != OWN_NAME for outcome in wrong) else 1


def _cause(error: Exception) -> str:
    # pylint: disable=import-outside-toplevel
    import psycopg2

    from cht_dbt.calls import DbtError
    from cht_dbt.outcomes import in_short

    if isinstance(error, (ConfigError, DbtError, psycopg2.Error)):
        return in_short(str(error))
    return journal.unforeseen(error)


def _sum_up(update, seconds: float) -> str:
    """Tell what failed, in lines of the journal; the text for systemctl status."""
    # pylint: disable=import-outside-toplevel
    from cht_dbt.outcomes import in_short

    outcomes = [outcome for outcome in update.outcomes.values() if not outcome.is_hook]
    failed = [outcome for outcome in update.outcomes.values() if outcome.failed]
    skipped = [outcome.name for outcome in outcomes if outcome.status == "skipped"]
    for outcome in failed:
        log.error("%s failed: %s", outcome.name, in_short(outcome.message))
    if skipped:
        log.error("not run, since they read what failed: %s", ", ".join(sorted(skipped)))
    text = f"{sum(outcome.status == 'success' for outcome in outcomes)} of {len(outcomes)} models up to date in {seconds:.0f} s"
    if update.refreshed:
        text += f", {len(update.refreshed)} made anew"
    if failed:
        text += f"; failed: {', '.join(sorted(outcome.name for outcome in failed))}"
    if update.trouble:
        text += f"; the refresh is not done: {update.trouble}"
    if update.held:
        text += f"; others had locked what it needs: {update.held}"
    if update.unknown:
        log.warning("%s", update.unknown)
        text += f"; {update.unknown}"
    if update.outdated:
        text += f"; as they were before a refresh: {', '.join(update.outdated)}"
    log.log(logging.ERROR if failed or update.trouble else logging.INFO, "%s", text)
    return text


def _row(outcome, refreshed: set[str]) -> dict:
    # pylint: disable=import-outside-toplevel
    from cht_dbt.outcomes import in_short

    row = {**dataclasses.asdict(outcome), "refreshed": outcome.id in refreshed}
    row["message"] = "" if outcome.status == "success" else in_short(outcome.message)
    return row


def _assemble(options: argparse.Namespace) -> int:
    # pylint: disable=import-outside-toplevel
    from cht_dbt.assembly import AssemblyError, Package, assemble

    packages = [Package(**{**package, "directory": Path(package["directory"])}) for package in json.loads(options.packages)]
    try:
        made = assemble(options.project, packages, options.into, json.loads(options.vars), json.loads(options.forms))
    except AssemblyError as error:
        print(error, file=sys.stderr)
        return 1
    print("changed" if made else "unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
