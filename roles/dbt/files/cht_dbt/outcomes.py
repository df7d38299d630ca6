# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of models, and which of them are worth another try."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, Iterable, Mapping

# Told by PostgreSQL and libpq when nothing is wrong with a model: another try may well succeed.
_TRANSIENT = re.compile(
    "deadlock detected|due to lock timeout|could not serialize access|tuple concurrently (updated|deleted)"
    "|server closed the connection|connection (already|is) closed|could not connect to server"
    "|connection to server .* failed|terminating connection|the database system is (starting|shutting|in recovery|not yet)"
    "|SSL connection has been closed|SSL SYSCALL|could not receive data from server|cursor already closed",
    re.DOTALL,
)
# What dbt puts above a message; and where PostgreSQL quotes a value in one, which may be a document's, and end in another line.
_HEADING = re.compile(r"(Database|Runtime|Compilation) Error( in .*)?$")
_VALUE = re.compile(r'((: |\b(?:value|zone) )")(?:.*"|.*)')
_LONGEST = 300  # characters


@dataclass(frozen=True)
class Outcome:
    """What became of one node in one run."""

    id: str
    name: str
    status: str  # success, error or skipped
    message: str = ""
    seconds: float = 0.0
    rows: int | None = None

    @property
    def failed(self) -> bool:
        return self.status == "error"

    @property
    def package(self) -> str:
        """The dbt project that it is of."""
        return self.id.split(".")[1]

    @property
    def is_hook(self) -> bool:
        """Whether it is what dbt does before or after all models."""
        return self.id.startswith("operation.")


def waited_in_vain(message: str) -> bool:
    """Whether others held for too long what it needed."""
    return "due to lock timeout" in message


def is_transient(message: str) -> bool:
    """Whether what failed with this message may succeed if tried again."""
    return bool(_TRANSIENT.search(message))


def in_short(message: str) -> str:
    """The database's own line of an error, without its details and values, which may quote a document."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    said = next((line for line in lines if not _HEADING.match(line)), lines[0] if lines else "")
    return _VALUE.sub(r'\1..."', said)[:_LONGEST]


def to_try_again(outcomes: Iterable[Outcome], children: Mapping[str, Collection[str]]) -> set[str]:
    """Ids of what failed for a passing reason, and of what was skipped for nothing else.

    children: ids of the nodes that read a node.
    """
    outcomes = list(outcomes)
    passing = {outcome.id for outcome in outcomes if outcome.failed and is_transient(outcome.message)}
    hopeless = below((outcome.id for outcome in outcomes if outcome.failed and outcome.id not in passing), children)
    skipped = {outcome.id for outcome in outcomes if outcome.status == "skipped"}
    return passing | ((skipped & below(passing, children)) - hopeless)


def to_run_without(outcomes: Iterable[Outcome], children: Mapping[str, Collection[str]], lost: Collection[str]) -> set[str]:
    """Ids of what was skipped, but can be made of what the tables of failed models hold from before.

    lost: ids of what failed and has no table.
    """
    return {outcome.id for outcome in outcomes if outcome.status == "skipped"} - below(lost, children)


def below(ids: Iterable[str], children: Mapping[str, Collection[str]]) -> set[str]:
    """The nodes, and all that depends on them."""
    found: set[str] = set()
    waiting = list(ids)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(children.get(node, ()))
    return found
