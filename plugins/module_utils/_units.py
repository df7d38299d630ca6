# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a systemd unit runs with what its files say now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from glob import escape, glob
from typing import Any

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "FragmentPath",
    "DropInPaths",
    "NeedDaemonReload",
    "ExecMainStartTimestamp",
    "ActiveEnterTimestamp",
    "StateChangeTimestamp",
)
_ADMINISTRATOR = "/etc/systemd/system"
SHOW = ["systemctl", "show", "--no-pager", "--timestamp=us+utc", f"--property={','.join(PROPERTIES)}", "--"]


def parse(output: str) -> list[dict[str, str]]:
    """The properties of each unit that `systemctl show` was asked for, in that order."""
    return [dict(line.split("=", 1) for line in block.splitlines()) for block in output.strip().split("\n\n")]


def describe(unit: dict[str, Any], properties: dict[str, str]) -> dict[str, Any]:
    """What the module returns of a unit: `unit` as its options, `properties` as systemd has them."""
    began = _seconds(properties.get("ExecMainStartTimestamp", properties["ActiveEnterTimestamp"]))
    newer = sorted(path for path in {*unit["reads"], *_own_files(unit["name"], properties)} if _changed(path) > began)
    if properties["NeedDaemonReload"] == "yes" and properties["FragmentPath"] not in newer:
        newer.append(properties["FragmentPath"])
    active = properties["ActiveState"] in ("active", "activating", "reloading")
    again = sorted(path for path in unit["rereads"] if _changed(path) > max(began, _seconds(properties["StateChangeTimestamp"])))
    return {
        "name": unit["name"],
        "loaded": properties["LoadState"] == "loaded",
        "active": active,
        "settled": active and properties["UnitFileState"] == "enabled" and not newer and not again,
        "began": datetime.fromtimestamp(began, timezone.utc).isoformat(timespec="seconds") if began else "",
        "newer": newer + again,
        "wanted": "restarted" if newer else "reloaded" if again else "started",
    }


def _own_files(name: str, properties: dict[str, str]) -> list[str]:
    """The unit's files in /etc. A package's are left out: that restarts what it has to."""
    known = [path for path in (properties["FragmentPath"], *properties["DropInPaths"].split()) if path.startswith("/etc/")]
    # A first drop-in of a unit is not among those until systemd is reloaded, and systemd does not say that it needs to be.
    return known + glob(f"{_ADMINISTRATOR}/{escape(name)}.d/*.conf")


def _seconds(timestamp: str) -> float:
    """Of systemd's timestamp, as "Mon 2026-11-30 18:32:40.918136 UTC"; 0 for none."""
    if not timestamp:
        return 0.0
    return datetime.strptime(timestamp, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=timezone.utc).timestamp()


def _changed(path: str) -> float:
    """When it was changed last, content or not: of a link, itself and the file it points to; of a directory, what is below it
    too, and with a slash at its end of a link to one. 0 for what is not there.
    """
    return max(_times(path), default=0.0)


def _times(path: str) -> Iterator[float]:
    link = path.rstrip("/")
    try:
        yield os.lstat(link).st_ctime
        if os.path.isfile(path):
            yield os.stat(path).st_ctime
    except FileNotFoundError:
        return
    if path.endswith("/") or not os.path.islink(link):
        for directory, directories, files in os.walk(path):
            yield from (os.lstat(os.path.join(directory, name)).st_ctime for name in directories + files)
