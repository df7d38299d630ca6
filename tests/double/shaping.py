# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cht_event.rb makes of changes and events, in Debian's ruby with the double's Event class."""

import json
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPT = ROOT / "roles/logstash/files/cht_event.rb"
FIXTURES = ROOT / "tests/fixtures/logstash-8.19"
FEED = (FIXTURES / "40-feed.jsonl").read_text(encoding="utf-8")


def recorded_body(name: str) -> str:
    """The body of a recorded request."""
    return (FIXTURES / name).read_bytes().partition(b"\r\n\r\n")[2].decode()


def of_changes(lines: str, script=SCRIPT) -> str:
    """The json_batch of these lines of a feed."""
    return _shape(script, "changes", lines)


def of_events(*events: dict, script=SCRIPT) -> str:
    """The json_batch of these events; `raise` names their methods that fail."""
    return _shape(script, "events", "\n".join(map(json.dumps, events)))


def _shape(script, form: str, lines: str) -> str:
    command = ["ruby", HERE / "shape.rb", script, form]
    return subprocess.run(command, input=lines.encode(), check=True, stdout=subprocess.PIPE).stdout.decode()
