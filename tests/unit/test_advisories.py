# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed is compared with a file of advisories (`make sbom ADVISORIES=...`)."""

import json
import subprocess
import sys

import pytest
from playing import ROOT

SBOM = {"components": [{"name": "Some.Package", "version": "2.3.1"}, {"name": "other", "version": "1.0"}]}


def advisory(**affected):
    return {"id": "X-1", "summary": "bad", "affected": [{"package": {"ecosystem": "PyPI", "name": "some-package"}, **affected}]}


def span(*events):
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.mark.parametrize(
    ("given", "concerned"),
    [
        (advisory(versions=["2.3.1"]), True),
        (advisory(versions=["2.3.0"]), False),
        (advisory(**span({"introduced": "0"})), True),
        (advisory(**span({"introduced": "0"}, {"fixed": "2.3.1"})), False),
        (advisory(**span({"introduced": "2.3"}, {"fixed": "2.10"})), True),
        (advisory(**span({"introduced": "0"}, {"fixed": "1.9"}, {"introduced": "2.4"})), False),
        (advisory(**span({"introduced": "0"}, {"last_affected": "2.3.1"})), True),
        ({**advisory(versions=["2.3.1"]), "withdrawn": "2026-01-01T00:00:00Z"}, False),
        ({"id": "X-2", "affected": [{"package": {"ecosystem": "npm", "name": "some-package"}, "versions": ["2.3.1"]}]}, False),
    ],
)
@pytest.mark.parametrize("form", ["one", "list", "lines"])
def test_an_affected_package_is_named(tmp_path, given, concerned, form):
    text = {"one": json.dumps(given), "list": json.dumps([given]), "lines": f"{json.dumps(given)}\n\n"}[form]
    (tmp_path / "advisories.json").write_text(text)
    (tmp_path / "relay.cdx.json").write_text(json.dumps(SBOM))
    done = subprocess.run(
        [sys.executable, ROOT / "tests/tools/advisories.py", "advisories.json", "relay.cdx.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == concerned, done.stdout + done.stderr
    assert ("relay: some-package 2.3.1: X-1: bad" in done.stdout) == concerned
