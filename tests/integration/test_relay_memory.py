# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large documents land within the memory that the role gives the relay, a limit the kernel keeps."""

import pytest
import yaml
from calls import SOURCES
from cgroup import Cgroup
from couch_http import Front, Lengths
from relay_program import relay
from servers import ROOT, wait_until

pytestmark = pytest.mark.once

MB = 1 << 20
MEMORY_MAX = yaml.safe_load((ROOT / "roles/relay/defaults/main.yml").read_text())["relay_memory_max"]
SMALL = 2000  # bytes


@pytest.fixture
def cgroup():
    assert MEMORY_MAX[-1] == "M", MEMORY_MAX
    group = Cgroup(int(MEMORY_MAX[:-1]) * MB)
    yield group
    group.remove()


@pytest.mark.parametrize(
    "lengths, most",
    [
        ([SMALL] * 100 + [8 * MB] * 12 + [SMALL] * 100, 100),
        ([SMALL] * 100 + [20 * MB] + [SMALL] * 100, 200),
        ([SMALL] * 100 + [60 * MB] + [SMALL] * 100, 256),
    ],
    ids=["8 MB", "20 MB", "60 MB"],
)
def test_large_documents_land(postgrest, cursor, cgroup, tmp_path, lengths, most):
    with Front(Lengths(lengths)) as front, relay(tmp_path, front.url, postgrest, SOURCES[0]["source"], prefix=cgroup.prefix) as program:
        wait_until(lambda: program.process.poll() is not None or "STATUS=caught up" in "\n".join(program.messages), 60, "the end of the feed")
        assert cgroup.kills() == 0, f"the kernel ended it at {MEMORY_MAX}"
        assert cgroup.processes() == [program.process.pid]
        print(f"{program.peak:.0f} MB at most")
        assert program.peak <= most, f"{program.peak:.0f} MB"
    cursor.execute("SELECT _id, length(doc ->> 'filler') FROM v1.couchdb")
    assert dict(cursor.fetchall()) == {f"d{number}": length for number, length in enumerate(lengths)}
    cursor.execute("SELECT count(*) FROM v1.quarantine")
    assert cursor.fetchone() == (0,)
