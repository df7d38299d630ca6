# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`, README's first command: from machines as their installer leaves them, and once more."""

import os
import re
import subprocess

import pytest
import requests
from stack import DATABASES, ROOT, assert_equal

pytestmark = pytest.mark.one


@pytest.fixture(scope="module", params=["once", "again"])
def made(request):
    """What it printed, and which time it was."""
    done = subprocess.run(["make", "demo"], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:]
    return request.param, done.stdout


def test_it_ends_with_the_documents_and_where_to_look(made):
    _time, said = made
    for database in DATABASES:
        assert re.search(rf"\| \S+/{database} +\| +([\d,]+) +\| +\1 ", said), said[-3000:]
    address = re.search(r"Dashboards: (\S+)", said).group(1)
    assert requests.get(address, timeout=60).url.startswith("http://127.0.0.1:8088/login")


def test_once_more_it_changes_nothing(made):
    time, said = made
    changes = [int(number) for number in re.findall(r"done in \d+ s, (\d+) changes", said)]
    assert len(changes) >= 4
    assert (sum(changes) == 0) == (time == "again"), said


def test_every_document_is_there(made, couchdb, warehouse):
    assert_equal(couchdb, warehouse)
