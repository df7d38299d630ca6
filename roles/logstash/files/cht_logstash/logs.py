# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logstash's log, line by line: what goes on to the journal, and what it means.

Nothing of a document may pass: of each event only its first line and the members named
here are shown, shortened. Logstash quotes the change it could not read further down.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

INPUT = "logstash.inputs.couchdbchanges"
OUTPUT = "logstash.outputs.http"

_LEVELS = {
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
}
_SHOWN = ("code", "body", "db", "error", "url", "class", "port", "count", "path", "reason")
_NOISE = ("Retrying http request, will sleep",)
# Of what is printed past the log: the JVM's last words.
_JVM = re.compile(
    r"OutOfMemoryError|^(FATAL|ERROR|Error|Exception|Unrecognized|could not|No such)",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"^\[[^\]]+\]\[(\w+) *\]\[([\w.]+) *\](?:\[([^\]]+)\])?(?:\[[^\]]+\])? (.*)"
)
_NEVER = re.compile(r"(?!)")
_PLAIN_STATUS = {
    INPUT: re.compile(r"response_code\W+(\d{3})"),
    OUTPUT: re.compile(r":code=>(\d{3})"),
}


@dataclass(frozen=True)
class Line:
    """One line: its ``level`` and ``text`` for the journal (None: not worth one), and
    what it says of a ``pipeline``: the ``status`` that CouchDB or PostgREST answered and ``unreadable``, a change that the input cannot parse.
    """

    level: int = logging.INFO
    text: Optional[str] = None
    logger: str = ""
    pipeline: Optional[str] = None
    status: Optional[int] = None
    code: str = ""
    unreadable: bool = False
    message: str = ""


def read(line: str) -> Line:
    """Understand a line of Logstash's output."""
    try:
        entry = json.loads(line, object_pairs_hook=_first_of_each)
        event = entry["logEvent"]
        message = str(event["message"])
    except (ValueError, KeyError, TypeError):
        return _plain(line)
    logger = str(entry.get("loggerName", ""))
    pipeline = entry.get("pipeline.id")
    head = message.partition("\n")[0]
    exception = re.search(r"^\s*Exception: (\S+)", message, re.MULTILINE)
    text = _of(pipeline, head)
    if exception:
        text += f" ({exception.group(1)})"
    text += _members(event, logger)
    return Line(
        _LEVELS.get(str(entry.get("level")), logging.INFO),
        None if head.startswith(_NOISE) else _short(text),
        logger,
        pipeline,
        _status(event, logger),
        _code(str(event.get("body", ""))),
        "unrecoverable error" in head and "ParserError" in message,
        head,
    )


def _first_of_each(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """Some of Logstash's lines name ``message`` twice: the headline, then what it is about."""
    return dict(reversed(pairs))


def _plain(line: str) -> Line:
    """A line in the other form (before the log is set up), or of the JVM."""
    found = _PLAIN.match(line)
    if not found:
        return Line(logging.ERROR, _short(line)) if _JVM.search(line) else Line()
    level, logger, pipeline, message = found.groups()
    status = _PLAIN_STATUS.get(logger, _NEVER).search(message)
    return Line(
        _LEVELS.get(level, logging.INFO),
        None if message.startswith(_NOISE) else _short(_of(pipeline, message)),
        logger,
        pipeline,
        int(status.group(1)) if status else None,
        _code(message),
        message=message,
    )


def _members(event: Dict[str, Any], logger: str) -> str:
    if not logger.startswith("logstash."):
        return ""
    shown = {
        key: str(event[key])[:300]
        for key in _SHOWN
        if key in event and (key != "error" or logger in (INPUT, OUTPUT))
    }
    return "".join(f" {key}={value}" for key, value in shown.items())


def _status(event: Dict[str, Any], logger: str) -> Optional[int]:
    if logger == OUTPUT and isinstance(event.get("code"), int):
        return event["code"]
    if logger == INPUT:
        found = re.search(r"response_code\W+(\d{3})", str(event.get("error", "")))
        return int(found.group(1)) if found else None
    return None


def _code(body: str) -> str:
    """PostgREST's, of the answer it gave."""
    found = re.search(r'"code\W+(\w+)', body)
    return found.group(1) if found else ""


def _of(pipeline: Optional[str], message: str) -> str:
    return f"[{pipeline}] {message}" if pipeline else message


def _short(text: str) -> str:
    return " ".join(text.split())[:600]
