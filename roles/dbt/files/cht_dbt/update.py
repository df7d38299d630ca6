# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run: refresh what changed in the project, then bring all models up to date with what was synced."""

from __future__ import annotations

import logging
import os
import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from cht_engine import settings

from cht_dbt.calls import Dbt
from cht_dbt.outcomes import Outcome, below, in_short, is_transient, to_try_again
from cht_dbt.record import Record, content, fingerprint
from cht_dbt.warehouse import Warehouse

log = logging.getLogger(__name__)

# dbt drops a view and makes it again, which locks readers out: not unless it, or what is below it, changed.
NO_VIEWS = "config.materialized:view"
# Its rows are history. Made by the first run, and never refreshed.
HISTORY = "dbt_results"
# Variables that change no model's content.
HARMLESS = ("batch_size", "dbt_results_days")
PAUSES = (2.0, 10.0, 30.0)  # seconds before another try of what failed for a passing reason


@dataclass
class Settings:
    """How models are run on this machine."""

    state: Path  # a directory of the program's own
    variables: Mapping[str, Any] = field(default_factory=dict)
    builtin: bool = True  # whether the base models are ours
    batch_size: int = 0  # changed documents a round takes at most; 0: all
    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    pauses: Sequence[float] = PAUSES


_CHECKS: Mapping[str, settings.Check] = {
    "state": lambda value: Path(settings.text(value)),
    "builtin": settings.boolean,
    "batch_size": settings.count,
    "select": settings.texts,
    "exclude": settings.texts,
    "pauses": lambda value: tuple(settings.seconds(pause) for pause in value),
}


def load(path: Path) -> Settings:
    """Read the JSON file at path. Raises settings.ConfigError."""
    return settings.load(str(path), Settings, _CHECKS)


class Update:
    """One run. Its outcomes are the last of each node."""

    def __init__(self, settings: Settings, tell: Callable[[str], None] = lambda text: None) -> None:
        """tell: hears in a line what goes on."""
        self._settings = settings
        self._tell = tell
        self._warehouse = Warehouse(settings.builtin)
        self._record = Record(settings.state / "refreshed")
        self.outcomes: dict[str, Outcome] = {}
        self.refreshed: set[str] = set()
        self._newest: datetime | None = None
        batch = {"batch_size": settings.batch_size} if settings.batch_size else {}
        self._dbt = Dbt({**settings.variables, **batch}, Path(os.environ["DBT_TARGET_PATH"]))

    def is_needed(self) -> bool:
        """Whether anything changed since a run within the last hour, the project included. dbt is not started for that."""
        as_recorded = self._record.holds(self._fingerprint()) and self._is_complete(self._project())
        return not (as_recorded and self._patiently(self._warehouse.is_idle))

    def run(self, only: Sequence[str] = (), full_refresh: bool = False) -> bool:
        """Do it; whether all went well. Raises DbtError, psycopg2.Error.

        only: just these models as they are, by dbt's selectors. full_refresh: make all anew, whatever changed.
        """
        self._tell("reading the project")
        self._newest = self._patiently(self._warehouse.newest)
        wanted = self._fingerprint()
        if only:
            waiting = set(self._dbt.models()) if not self._record.holds(wanted) else self._changed()
            self._bring_up_to_date(only, [], waiting)
        else:
            everything = full_refresh or not self._record.holds(wanted)
            waiting = self._refresh_everything(wanted) if everything else self._refresh_changed(wanted)
            done = None if not everything else self._patiently(self._warehouse.done)
            if not everything or self._is_behind(done):
                self._bring_up_to_date(self._settings.select, [NO_VIEWS], waiting)
        return not any(outcome.status != "success" for outcome in self.outcomes.values())

    def _fingerprint(self) -> str:
        variables = {name: value for name, value in self._settings.variables.items() if name not in HARMLESS}
        return fingerprint(
            variables=variables,
            environment={name: os.environ.get(name) for name in ("CHT_SYNC_TIMEZONE", "POSTGRES_SCHEMA", "POSTGRES_TABLE")},
            database=[os.environ.get(name) for name in ("PGHOST", "PGPORT", "PGDATABASE")],
            versions=[version(package) for package in ("dbt-core", "dbt-postgres")],
        )

    # ---- refreshes

    def _refresh_everything(self, wanted: str) -> set[str]:
        """Ids of the models that still wait for a refresh."""
        self._tell("making all models anew")
        self._record.clear()
        kept = self._history()
        exclude = [*self._settings.exclude, *map(self._dbt.selector, kept)]
        self._run(self._settings.select, exclude, full_refresh=True)
        return self._store(kept, wanted, set(self._dbt.models()) - kept)

    def _refresh_changed(self, wanted: str) -> set[str]:
        """Ids of the models that still wait for a refresh."""
        project = self._project()  # as it is now: while this runs another may be put in its place
        # Most runs: then dbt need not tell what changed, which takes as long as its start.
        if self._is_complete(project):
            return set()
        kept = self._history()
        changed = self._changed()
        refresh = changed - kept
        if refresh:
            self._tell(f"making {len(refresh)} changed models anew")
            self._run([self._dbt.selector(id_) for id_ in sorted(refresh)], full_refresh=True)
        waiting = self._store(kept | (set(self._dbt.models()) - changed), wanted, refresh) if changed else set()
        if not waiting:
            self._record.complete(project)
        return waiting

    def _is_complete(self, project: str) -> bool:
        """Whether all models stand in the warehouse as this project has them."""
        return self._record.is_complete(project) and not self._missing()

    def _project(self) -> str:
        settings = self._settings
        return fingerprint(content=content(Path(os.environ["DBT_PROJECT_DIR"])), select=settings.select, exclude=settings.exclude)

    def _changed(self) -> set[str]:
        """Ids of the models that are not as the record has them, or are not there, and of what depends on them."""
        missing = self._missing()
        if missing:
            self._record.forget(missing)
        # An intersection of both, for each of the selectors.
        select = [f"state:modified+,{selector}" for selector in self._settings.select] or ["state:modified+"]
        return self._dbt.changed(select, self._settings.exclude, self._record.directory)

    def _missing(self) -> set[str]:
        """Ids of the recorded models whose tables or views are not there."""
        models = self._record.models()
        relations = {
            (node["schema"], node["alias"]): id_ for id_, node in models.items() if node["config"]["materialized"] != "ephemeral"
        }
        return {relations[relation] for relation in self._patiently(lambda: self._warehouse.missing(relations))}

    def _history(self) -> set[str]:
        """Id of the table of results, once it is there."""
        nodes = {id_: node for id_, node in self._dbt.models().items() if node["name"] == HISTORY}
        return {
            id_ for id_, node in nodes.items()
            if not self._patiently(lambda node=node: self._warehouse.missing([(node["schema"], node["alias"])]))
        }  # fmt: skip

    def _store(self, kept: set[str], wanted: str, asked: set[str]) -> set[str]:
        """Record what was refreshed; ids of what was not, with what depends on it."""
        self.refreshed = {id_ for id_ in asked if id_ in self.outcomes and self.outcomes[id_].status == "success"}
        tried = {id_ for id_ in asked if id_ in self.outcomes}
        # A run that came to none of its models, since a hook failed, has refreshed none.
        self._record.store(self._dbt.manifest, kept | self.refreshed, wanted)
        left = asked - self.refreshed if not tried else tried - self.refreshed
        return below(left, self._dbt.children) & set(self._dbt.models())

    # ---- what was synced

    def _bring_up_to_date(self, select: Sequence[str], exclude: Sequence[str], waiting: set[str]) -> None:
        """Incremental rounds, until what was there when the run began is modelled."""
        exclude = [*exclude, *self._settings.exclude, *(self._dbt.selector(id_) for id_ in sorted(waiting))]
        number, before = 1, None
        while True:
            self._tell("bringing the models up to date" + (f", round {number}, documents up to {before} done" if before else ""))
            self._run(select, exclude)
            done = self._patiently(self._warehouse.done) if self._settings.batch_size else None
            if not self._is_behind(done) or done == before:
                return
            number, before = number + 1, done

    def _is_behind(self, done: datetime | None) -> bool:
        return bool(self._settings.batch_size and done and self._newest and done < self._newest)

    # ---- tries

    def _run(self, select: Sequence[str] = (), exclude: Sequence[str] = (), full_refresh: bool = False) -> None:
        """One run of dbt, and others of what failed for a passing reason."""
        outcomes = self._patiently(lambda: self._dbt.run(select, exclude, full_refresh))
        for pause in self._settings.pauses:
            self.outcomes.update((outcome.id, outcome) for outcome in outcomes)
            again = to_try_again(outcomes, self._dbt.children) if any(outcome.failed for outcome in outcomes) else set()
            if not again:
                return
            names = ", ".join(sorted(self.outcomes[id_].name for id_ in again))
            reason = next(in_short(outcome.message) for outcome in outcomes if outcome.failed and outcome.id in again)
            log.warning("trying again: %s (%s)", names, reason)
            _pause(pause)
            if not any(self.outcomes[id_].is_hook for id_ in again):
                select, exclude = [self._dbt.selector(id_) for id_ in sorted(again)], ()
            outcomes = self._patiently(lambda: self._dbt.run(select, exclude, full_refresh))
        self.outcomes.update((outcome.id, outcome) for outcome in outcomes)

    def _patiently(self, what: Callable[[], Any]) -> Any:
        """Do it again where the whole of it failed for a passing reason."""
        for pause in self._settings.pauses:
            try:
                return what()
            except Exception as error:  # pylint: disable=broad-except  # dbt's and psycopg2's, told apart by their texts
                if not is_transient(str(error)):
                    raise
                log.warning("trying again: %s", in_short(str(error)))
                _pause(pause)
        return what()


def _pause(seconds: float) -> None:
    # Not in step with whom it collided with.
    time.sleep(seconds * random.uniform(0.7, 1.3))
