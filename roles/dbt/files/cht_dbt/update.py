# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run: refresh what changed in the project, then bring all models up to date with what was synced.

Models that are not there yet are made where they belong. Where one changed that is there, all are made beside those in use, and
take their place together: no dashboard misses one meanwhile, or sees old and new ones mixed.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from cht_engine import settings

from cht_dbt.assembly import OWN_NAME
from cht_dbt.beside import NEXT, Beside, Refused
from cht_dbt.calls import Dbt
from cht_dbt.kinds import unknown
from cht_dbt.outcomes import Outcome, below, in_short, is_transient, to_run_without, to_try_again, waited_in_vain
from cht_dbt.record import Record, content, fingerprint
from cht_dbt.warehouse import Warehouse, named

log = logging.getLogger(__name__)

# dbt drops a view and makes it again, which locks readers out: so only beside those in use, by a refresh.
NO_VIEWS = "config.materialized:view"
# Its rows are history, which stays where it is made again.
HISTORY = "dbt_results"
# Variables that change no model's content.
HARMLESS = ("batch_size", "dbt_results_days")
PAUSES = (2.0, 10.0, 30.0)  # seconds before another try of what failed for a passing reason
PATIENCE = 60.0  # seconds for which new models try to take the place of those in use, while others read these


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
    patience: float = PATIENCE


_CHECKS: Mapping[str, settings.Check] = {
    "state": lambda value: Path(settings.text(value)),
    "builtin": settings.boolean,
    "batch_size": settings.count,
    "select": settings.texts,
    "exclude": settings.texts,
    "pauses": lambda value: tuple(settings.seconds(pause) for pause in value),
    "patience": settings.seconds,
}


def load(path: Path) -> Settings:
    """Read the JSON file at path. Raises settings.ConfigError."""
    return settings.load(str(path), Settings, _CHECKS)


@dataclass
class Models:
    """The models in one place: in use, or beside."""

    dbt: Dbt
    record: Record
    warehouse: Warehouse


class Update:
    """One run. Its outcomes are the last of each node; trouble is what else went wrong, held who kept it waiting, unknown which
    kinds of contact there are not, outdated which views show old models.
    """

    def __init__(self, settings: Settings, tell: Callable[[str], None] = lambda text: None) -> None:
        """tell: hears in a line what goes on."""
        self._settings = settings
        self._tell = tell
        batch = {"batch_size": settings.batch_size} if settings.batch_size else {}
        variables, target = {**settings.variables, **batch}, Path(os.environ["DBT_TARGET_PATH"])
        self._used = Models(Dbt(variables, target), Record(settings.state / "refreshed"), Warehouse(settings.builtin))
        self._next = self._models_beside(set())
        self._beside = Beside(settings.patience)
        self.outcomes: dict[str, Outcome] = {}
        self.refreshed: set[str] = set()
        self.trouble = ""
        self.held = self.unknown = ""
        self.outdated: list[str] = []
        self._newest: datetime | None = None

    def is_needed(self) -> bool:
        """Whether anything changed since a run within the last hour, the project included. dbt is not started for that."""
        as_recorded = self._used.record.holds(self._fingerprint()) and self._is_complete(self._project())
        return not (as_recorded and self._patiently(self._used.warehouse.is_idle))

    def run(self, only: Sequence[str] = (), full_refresh: bool = False) -> bool:
        """Do it; whether all went well. Raises DbtError, psycopg2.Error.

        only: just these models as they are, by dbt's selectors. full_refresh: make all anew, whatever changed.
        """
        self._tell("reading the project")
        began, used = datetime.now(timezone.utc), self._used
        self._newest = self._patiently(used.warehouse.newest)
        wanted = self._fingerprint()
        if only:
            waiting = set(used.dbt.models()) if not used.record.holds(wanted) else self._changed(used)
            self._bring_up_to_date(used, only, [NO_VIEWS], waiting)
        else:
            waiting, all_new = self._refresh(wanted, full_refresh)
            if not all_new or self._is_behind(self._patiently(used.warehouse.done)):
                self._bring_up_to_date(used, self._settings.select, [NO_VIEWS], waiting)
        self.unknown = unknown(self._patiently(used.warehouse.kinds), self._settings.variables)
        if any(outcome.failed and waited_in_vain(outcome.message) for outcome in self.outcomes.values()):
            self.held = named(self._patiently(lambda: used.warehouse.holders(began)))
        return not self.trouble and not any(outcome.status != "success" for outcome in self.outcomes.values())

    def _fingerprint(self) -> str:
        variables = {name: value for name, value in self._settings.variables.items() if name not in HARMLESS}
        return fingerprint(
            variables=variables,
            environment={name: os.environ.get(name) for name in ("CHT_SYNC_TIMEZONE", "POSTGRES_SCHEMA", "POSTGRES_TABLE")},
            database=[os.environ.get(name) for name in ("PGHOST", "PGPORT", "PGDATABASE")],
            versions=[version(package) for package in ("dbt-core", "dbt-postgres")],
        )

    # ---- refreshes

    def _refresh(self, wanted: str, full_refresh: bool) -> tuple[set[str], bool]:
        """Ids of the models that still wait for a refresh; and whether all were just made."""
        used, project = self._used, self._project()  # as it is now: while this runs another may be put in its place
        made, replaced = self._patiently(self._beside.is_used)
        if replaced:
            self.outdated = self._patiently(self._beside.tidy)
        known = used.record.holds(wanted) and not full_refresh
        # Most runs: then dbt need not tell what changed, which takes as long as its start.
        complete = known and self._is_complete(project)
        kept = set() if complete else self._history()
        changed = set() if complete else self._changed(used) if known else set(used.dbt.models())
        if self._is_any_there(changed - kept):
            return self._refresh_beside(changed, wanted, made and not full_refresh)
        changed -= kept
        if made:
            try:
                self._drop_next()
            except Refused as error:  # it is in nobody's way
                self.trouble = str(error)
        if complete:
            return set(), False
        if not known:
            self._tell("making all models")
            used.record.clear()
            self._run(used, self._settings.select, [*self._settings.exclude, *map(used.dbt.selector, kept)], full_refresh=True)
            return self._store(used, kept, wanted, changed), True
        if changed:
            self._tell(f"making {len(changed)} models")
            self._run(used, [used.dbt.selector(id_) for id_ in sorted(changed)], full_refresh=True)
            waiting = self._store(used, set(used.dbt.models()) - changed, wanted, changed)
        else:
            waiting = set()
        if not waiting:
            used.record.complete(project)
        return waiting, False

    def _refresh_beside(self, changed: set[str], wanted: str, made: bool) -> tuple[set[str], bool]:
        """The same, of models that are there. made: whether an earlier run has left models that can be used."""
        part = self._part(changed) if self._used.record.holds(wanted) and changed < set(self._used.dbt.models()) else set()
        self._next = self._models_beside(part)
        try:
            waiting = self._make_next(fingerprint(wanted=wanted, part=sorted(part)), part, made)
            if _own(waiting):
                self.trouble = "some failed, so those in use stay as they were"
                self._drop_next()  # it may be the disk that was full
            elif changed - waiting or not self._used.record.holds(wanted):
                return self._swap(wanted, changed, part, waiting), not part
        except Refused as error:
            self.trouble = str(error)
        # Those in use stay as they are, but for what did not change.
        self.refreshed = set()
        self.outcomes = {id_: outcome for id_, outcome in self.outcomes.items() if outcome.status != "success"}
        return changed, False

    def _part(self, changed: set[str]) -> set[str]:
        """The changed models, where they can be made beside alone; else empty, for all.

        Views can, and a package's models. Other tables hang on one another, by foreign keys and triggers.
        """
        nodes = [node for id_, node in self._used.dbt.models().items() if id_ in changed]
        alone = all(
            node["config"].get("materialized") == "view" or (node["package_name"] != OWN_NAME and not node["config"].get("meta", {}).get("follows"))
            for node in nodes
        )
        return changed if alone else set()

    def _models_beside(self, part: set[str]) -> Models:
        environment = {"CHT_SYNC_DBT_PART": json.dumps(sorted(part))} if part else {"CHT_SYNC_DBT_SCHEMA": NEXT, "POSTGRES_SCHEMA": NEXT}
        settings, dbt = self._settings, self._used.dbt
        return Models(dbt.elsewhere("next", environment), Record(settings.state / "next"), Warehouse(settings.builtin, NEXT))

    def _make_next(self, wanted: str, part: set[str], made: bool) -> set[str]:
        """Make models beside those in use, up to what was synced; ids of those that failed. Raises Refused."""
        next_, again = self._next, made and self._next.record.holds(wanted)
        wished = part or set(next_.dbt.models())
        if not again:
            self._beside.check_room(self._places(part))
            self._drop_next()
            self._beside.prepare([next_.dbt.models()[id_]["name"] for id_ in part])
        changed = self._changed(next_) & wished if again else wished
        self._tell(f"making {len(changed)} models beside those in use")
        if not (again or part):
            self._run(next_, self._settings.select, self._settings.exclude, full_refresh=True)
        elif changed:
            self._run(next_, [next_.dbt.selector(id_) for id_ in sorted(changed)], full_refresh=True)
        waiting = self._store(next_, wished - changed, wanted, changed)
        if not (part or _own(waiting)) and (again or self._is_behind(self._patiently(next_.warehouse.done))):
            self._bring_up_to_date(next_, self._settings.select, [NO_VIEWS], waiting)
        return waiting | {id_ for id_, outcome in self.outcomes.items() if outcome.status != "success"}

    def _swap(self, wanted: str, changed: set[str], part: set[str], waiting: set[str]) -> set[str]:
        """Put those beside in the place of those in use; ids of the models that wait. Raises Refused."""
        self._tell("putting the new models in their place")
        used = self._used
        history = [node["alias"] for node in used.dbt.models().values() if node["name"] == HISTORY]
        names = [used.dbt.models()[id_]["name"] for id_ in part]
        self._patiently(lambda: self._beside.swap(self._places(part), history, names))
        self.refreshed = set(self._next.record.models()) - waiting
        used.record.store(used.dbt.manifest, set(used.dbt.models()) - changed | self.refreshed, wanted)
        self._next.record.clear()
        self.outdated = self._patiently(self._beside.tidy)
        return waiting & set(used.dbt.models())

    def _drop_next(self) -> None:
        self._next.record.clear()
        self._patiently(self._beside.clear)

    def _places(self, part: set[str]) -> dict[str, str]:
        """By the name of each model's table or view its schema; of a part of the models, or of all."""
        nodes = self._used.dbt.models().items()
        return {node["alias"]: node["schema"] for id_, node in nodes if _has_relation(node) and (not part or id_ in part)}

    def _is_any_there(self, ids: set[str]) -> bool:
        nodes = [node for id_, node in self._used.dbt.models().items() if id_ in ids and _has_relation(node)] if ids else []
        relations = {(node["schema"], node["alias"]) for node in nodes}
        return bool(relations) and len(self._patiently(lambda: self._used.warehouse.missing(relations))) < len(relations)

    def _is_complete(self, project: str) -> bool:
        """Whether all models in use stand in the warehouse as this project has them."""
        return self._used.record.is_complete(project) and not self._missing(self._used)

    def _project(self) -> str:
        settings = self._settings
        return fingerprint(content=content(Path(os.environ["DBT_PROJECT_DIR"])), select=settings.select, exclude=settings.exclude)

    def _changed(self, models: Models) -> set[str]:
        """Ids of the models that are not as the record has them, or are not there, and of what depends on them."""
        missing = self._missing(models)
        if missing:
            models.record.forget(missing)
        # An intersection of both, for each of the selectors.
        select = [f"state:modified+,{selector}" for selector in self._settings.select] or ["state:modified+"]
        return models.dbt.changed(select, self._settings.exclude, models.record.directory)

    def _missing(self, models: Models) -> set[str]:
        """Ids of the recorded models whose tables or views are not there."""
        nodes = models.record.models()
        relations = {(node["schema"], node["alias"]): id_ for id_, node in nodes.items() if _has_relation(node)}
        return {relations[relation] for relation in self._patiently(lambda: models.warehouse.missing(relations))}

    def _history(self) -> set[str]:
        """Id of the table of results, once it is there."""
        nodes = {id_: node for id_, node in self._used.dbt.models().items() if node["name"] == HISTORY}
        return {
            id_ for id_, node in nodes.items()
            if not self._patiently(lambda node=node: self._used.warehouse.missing([(node["schema"], node["alias"])]))
        }  # fmt: skip

    def _store(self, models: Models, kept: set[str], wanted: str, asked: set[str]) -> set[str]:
        """Record what was refreshed; ids of what was not, with what depends on it."""
        self.refreshed = {id_ for id_ in asked if id_ in self.outcomes and self.outcomes[id_].status == "success"}
        tried = {id_ for id_ in asked if id_ in self.outcomes}
        # A run that came to none of its models, since a hook failed, has refreshed none.
        models.record.store(models.dbt.manifest, kept | self.refreshed, wanted)
        left = asked - self.refreshed if not tried else tried - self.refreshed
        return below(left, models.dbt.children) & set(models.dbt.models())

    # ---- what was synced

    def _bring_up_to_date(self, models: Models, select: Sequence[str], exclude: Sequence[str], waiting: set[str]) -> None:
        """Incremental rounds, until what was there when the run began is modelled."""
        exclude = [*exclude, *self._settings.exclude, *(models.dbt.selector(id_) for id_ in sorted(waiting))]
        number, before = 1, None
        while True:
            self._tell("bringing the models up to date" + (f", round {number}, documents up to {before} done" if before else ""))
            self._run(models, select, exclude)
            done = self._patiently(models.warehouse.done) if self._settings.batch_size else None
            if not self._is_behind(done) or done == before:
                return
            number, before = number + 1, done

    def _is_behind(self, done: datetime | None) -> bool:
        return bool(self._settings.batch_size and done and self._newest and done < self._newest)

    # ---- tries

    def _run(self, models: Models, select: Sequence[str] = (), exclude: Sequence[str] = (), full_refresh: bool = False) -> None:
        """A run of dbt. What reads a model that failed goes on with what that model holds, unless it is made again."""
        outcomes = self._try(models, select, exclude, full_refresh)
        if not full_refresh and any(outcome.failed for outcome in outcomes.values()):
            rest = to_run_without(outcomes.values(), models.dbt.children, self._lost(models, outcomes))
            if rest:
                log.warning("go on with what there is of what failed: %s", ", ".join(sorted(outcomes[id_].name for id_ in rest)))
                self._try(models, [models.dbt.selector(id_) for id_ in sorted(rest)])

    def _lost(self, models: Models, outcomes: Mapping[str, Outcome]) -> set[str]:
        """Ids of what failed and is not there from before."""
        nodes = models.dbt.models()
        failed = {outcome.id for outcome in outcomes.values() if outcome.failed and not outcome.is_hook}
        places = {(nodes[id_]["schema"], nodes[id_]["alias"]): id_ for id_ in failed}
        return {places[place] for place in self._patiently(lambda: models.warehouse.missing(places))} if places else set()

    def _try(self, models: Models, select: Sequence[str] = (), exclude: Sequence[str] = (), full_refresh: bool = False) -> dict[str, Outcome]:
        """One run of dbt, and others of what failed for a passing reason; the last outcomes by id."""
        tried: dict[str, Outcome] = {}
        outcomes = self._patiently(lambda: models.dbt.run(select, exclude, full_refresh))
        for pause in self._settings.pauses:
            tried.update((outcome.id, outcome) for outcome in outcomes)
            self.outcomes.update(tried)
            again = to_try_again(outcomes, models.dbt.children) if any(outcome.failed for outcome in outcomes) else set()
            if not again:
                return tried
            names = ", ".join(sorted(self.outcomes[id_].name for id_ in again))
            reason = next(in_short(outcome.message) for outcome in outcomes if outcome.failed and outcome.id in again)
            log.warning("trying again: %s (%s)", names, reason)
            _pause(pause)
            if not any(self.outcomes[id_].is_hook for id_ in again):
                select, exclude = [models.dbt.selector(id_) for id_ in sorted(again)], ()
            outcomes = self._patiently(lambda: models.dbt.run(select, exclude, full_refresh))
        tried.update((outcome.id, outcome) for outcome in outcomes)
        self.outcomes.update(tried)
        return tried

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


def _own(ids: set[str]) -> set[str]:
    """Those of the built-in project."""
    return {id_ for id_ in ids if id_.split(".")[1] == OWN_NAME}


def _has_relation(node: Mapping[str, Any]) -> bool:
    return node["config"].get("materialized") != "ephemeral"


def _pause(seconds: float) -> None:
    # Not in step with whom it collided with.
    time.sleep(seconds * random.uniform(0.7, 1.3))
