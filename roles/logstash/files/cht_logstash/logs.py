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
from typing import Any, Dict, Optional, Sequence, Tuple

INPUT = "logstash.inputs.couchdbchanges"
OUTPUT = "logstash.outputs.http"
RUBY = "logstash.filters.ruby"
AGENT = "logstash.agent"
RUNNER = "logstash.runner"

_LEVELS = {
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
}
_SHOWN = ("code", "db", "error", "url", "class", "port", "count", "path", "reason")
# Their errors are of connections and settings; those of others may quote a change.
_QUOTABLE = (INPUT, OUTPUT, RUNNER, AGENT)
_NOISE = ("Retrying http request, will sleep",)
# Of what is printed past the log: the JVM's last words.
_JVM = re.compile(r"^(FATAL|Error|Exception|Unrecognized|Invalid|could not|No such)", re.IGNORECASE)
_NO_MEMORY = re.compile(r"OutOfMemoryError(: (Java heap space|Metaspace))?")
_PLAIN = re.compile(
    r"^\[[^\]]+\]\[(\w+) *\]\[([\w.]+) *\](?:\[([^\]]+)\])?(?:\[[^\]]+\])? (.*)"
)
_COUCHDB_STATUS = re.compile(r"response_code\W+(\d{3})")
_PLAIN_STATUS = {
    INPUT: _COUCHDB_STATUS,
    OUTPUT: re.compile(r":code=>(\d{3})"),
}


@dataclass(frozen=True)
class Line:
    """One line: its ``level`` and ``text`` for the journal (None: not worth one), and
    what it says of a ``pipeline``: the ``status`` that CouchDB or PostgREST answered (and
    PostgREST's ``code``), ``failed``, the class of what ended a plugin, and
    ``unreadable``, a change that the input cannot parse.
    """

    level: int = logging.INFO
    text: Optional[str] = None
    logger: str = ""
    pipeline: Optional[str] = None
    status: Optional[int] = None
    code: str = ""
    failed: str = ""

    @property
    def refused(self) -> bool:
        """Whether CouchDB refused the account, which it locks after a few tries."""
        return self.logger == INPUT and self.status in (401, 403)

    @property
    def unreadable(self) -> bool:
        """Whether it was a change that ended the input."""
        return self.failed.endswith("ParserError")


def read(line: str, secrets: Sequence[str] = ()) -> Line:
    """Understand a line of Logstash's output. ``secrets`` are not shown."""
    try:
        entry = json.loads(line, object_pairs_hook=_first)
        event = entry["logEvent"]
        message = str(event["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return _plain(line, secrets)
    logger = str(entry.get("loggerName", ""))
    pipeline = entry.get("pipeline.id")
    head = message.partition("\n")[0]
    if logger == RUBY:  # an error of the script, which may quote the event
        head = head.partition(":")[0]
    exception = re.search(r"^\s*Exception: ([\w:]+)", message, re.MULTILINE)
    failed = exception.group(1) if exception and "unrecoverable error" in head else ""
    text = _of(pipeline, head)
    if failed:
        text += f" ({failed})"
    text += _members(event, logger)
    return Line(
        _LEVELS.get(str(entry.get("level")), logging.INFO),
        None if head.startswith(_NOISE) else _short(text, secrets),
        logger,
        pipeline,
        _status(event, logger),
        _said(str(event.get("body", "")))[0],
        failed,
    )


def _plain(line: str, secrets: Sequence[str]) -> Line:
    """A line in the other form (before the log is set up), or of the JVM."""
    found = _PLAIN.match(line)
    if not found:
        memory = _NO_MEMORY.search(line)
        if memory:  # the rest may be a change
            return Line(logging.ERROR, memory.group() + ": raise logstash_heap")
        return Line(logging.ERROR, _short(line, secrets)) if _JVM.match(line) else Line()
    level, logger, pipeline, message = found.groups()
    pattern = _PLAIN_STATUS.get(logger)
    status = pattern.search(message) if pattern else None
    code = re.search(r'\\"code\\":\s*\\"(\w*)', message)
    message = message.partition(" {" if logger not in _QUOTABLE else ":body=>")[0]
    if logger == RUBY:
        message = message.partition(":")[0]
    return Line(
        _LEVELS.get(level, logging.INFO),
        None if message.startswith(_NOISE) else _short(_of(pipeline, message), secrets),
        logger,
        pipeline,
        int(status.group(1)) if status else None,
        code.group(1) if code else "",
    )


def _first(pairs: Sequence[Tuple[str, Any]]) -> Dict[str, Any]:
    """Logstash writes what goes with a message under its name too: ``message`` twice."""
    made: Dict[str, Any] = {}
    for key, value in pairs:
        made.setdefault(key if key not in made else key + "_1", value)
    return made


def _members(event: Dict[str, Any], logger: str) -> str:
    if not logger.startswith("logstash."):
        return ""
    keys = [key for key in _SHOWN if key != "error" or logger in _QUOTABLE]
    if logger in _QUOTABLE:
        keys.append("message_1")
    shown = {key.partition("_")[0]: event[key] for key in keys if key in event}
    if "code" in shown:
        shown["answer"] = " ".join(_said(str(event.get("body", ""))))
    return "".join(f" {key}={value}" for key, value in shown.items())


def _status(event: Dict[str, Any], logger: str) -> Optional[int]:
    if logger == OUTPUT and isinstance(event.get("code"), int):
        return event["code"]
    if logger == INPUT:
        found = _COUCHDB_STATUS.search(str(event.get("error", "")))
        return int(found.group(1)) if found else None
    return None


def _said(body: str) -> Tuple[str, str]:
    """Code and message of PostgREST's answer. The message is ours by contract, the
    details may quote what was sent."""
    try:
        answer = json.loads(body)
        return str(answer["code"]), str(answer["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ""


def _of(pipeline: Optional[str], message: str) -> str:
    return f"[{pipeline}] {message}" if pipeline else message


def _short(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())[:600]
