#!/usr/bin/env python3
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: advisories.py ADVISORIES SBOM...

Which packages of the SBOMs (CycloneDX) a file of advisories names: one in OSV's format, a list of them, or one a line.
Prints a line for each, and fails if there is one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version


def read(text: str) -> list[dict]:
    """The advisories of a file. ValueError for one that is not JSON."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return found if isinstance(found, list) else [found]


def affected(advisory: dict, name: str, version: str) -> bool:
    """Whether it is about this version of a package of PyPI."""
    for entry in advisory.get("affected", []):
        package = entry.get("package", {})
        if package.get("ecosystem") != "PyPI" or canonicalize_name(package.get("name", "")) != name:
            continue
        if version in entry.get("versions", []) or any(_within(span["events"], Version(version)) for span in entry.get("ranges", []) if span["type"] == "ECOSYSTEM"):
            return True
    return False


def _within(events: list[dict], version: Version) -> bool:
    inside = False
    for event in sorted(events, key=lambda event: Version(next(iter(event.values())) if next(iter(event.values())) != "0" else "0.dev0")):
        kind, limit = next(iter(event.items()))
        if kind == "introduced" and (limit == "0" or Version(limit) <= version):
            inside = True
        elif kind == "fixed" and Version(limit) <= version or kind == "last_affected" and Version(limit) < version:
            inside = False
    return inside


def found(advisories: list[dict], sbom: dict) -> Iterator[tuple[str, str, dict]]:
    """Package, version and advisory of what is affected."""
    for component in sbom.get("components", []):
        name, version = canonicalize_name(component["name"]), component["version"]
        yield from ((name, version, advisory) for advisory in advisories if not advisory.get("withdrawn") and affected(advisory, name, version))


def main(advisories: str, *sboms: str) -> int:
    known, count = read(Path(advisories).read_text(encoding="utf-8")), 0
    for path in sboms:
        for name, version, advisory in found(known, json.loads(Path(path).read_text(encoding="utf-8"))):
            print(f"{Path(path).name.removesuffix('.cdx.json')}: {name} {version}: {advisory['id']}: {advisory.get('summary', '')}")
            count += 1
    print(f"{count or 'nothing'} of what is installed is concerned by {len(known)} advisories")
    return 1 if count else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
