# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is asked to end ends, wherever it is."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# Python reports an exception that is raised in a finalizer, and goes on.
ASKED_IN_A_FINALIZER = """
import os, signal, sys, time
from cht_engine import stopping

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

stopping.on_signals(last_resort=20)
try:
    Finalized()
    time.sleep(30)
except stopping.Stopped:
    sys.exit(7)
"""


def test_a_signal_in_a_finalizer_is_not_lost():
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", ASKED_IN_A_FINALIZER], env={"PYTHONPATH": f"{ROOT}/roles/base/files"},
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 7, done
    assert done.stderr == ""
    assert time.monotonic() - started < 10
