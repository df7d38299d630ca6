# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of Logstash: its environment, its lines, its end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import tempfile
import threading
from typing import Any, Dict, Iterator, List, Optional

from cht_engine.settings import ConfigError
from cht_engine.tokens import Token
from cht_logstash import files, logs
from cht_logstash.config import Config
from cht_logstash.sources import Source

# Seconds between SIGTERM, which Logstash does not heed while a feed idles, and SIGKILL.
# It loses nothing: the next start goes on from what the database holds.
GRACE = 5.0
# The exit status of Java's own after an overflow of the stack, by a document as a rule.
HALTED = 126
_LINES = 1000
_STREAMS: Dict[str, Any] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "encoding": "utf-8",
    "errors": "replace",
}


def environment(config: Config, sources: List[Source], token: str) -> Dict[str, str]:
    """What the pipelines refer to, and what bin/logstash itself heeds."""
    values = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    # Java reads its environment, and so the passwords, in the locale's encoding.
    values["LC_ALL"] = "C.UTF-8"
    values["HOME"] = config.state_dir
    values["LS_JAVA_OPTS"] = f"-Xms{config.heap} -Xmx{config.heap}"
    if config.java_home:
        values["LS_JAVA_HOME"] = config.java_home
    values["CHT_TOKEN"] = token
    for source in sources:
        number = source.feed.number
        values[f"CHT_USERNAME_{number}"] = source.feed.couchdb_username
        values[f"CHT_PASSWORD_{number}"] = source.feed.password()
        values[f"CHT_LEASE_{number}"] = source.lease or ""
    return values


def _program(config: Config) -> str:
    path = os.path.join(config.logstash_home, "bin/logstash")
    if not os.access(path, os.X_OK):
        raise ConfigError(f"{path}: key logstash_home: no program there to be run")
    return path


class Logstash:
    """A running bin/logstash, whose lines wait to be read."""

    def __init__(self, config: Config, sources: List[Source], token: Token) -> None:
        directory = files.write_settings(
            config,
            os.path.join(config.runtime_dir, "settings"),
            [source.feed for source in sources],
        )
        for name in ("data", "logs"):
            os.makedirs(os.path.join(config.state_dir, name), mode=0o700, exist_ok=True)
        values = environment(config, sources, token.text)
        program = _program(config)
        self._process = subprocess.Popen(
            [program, "--path.settings", directory],
            env=values,
            **_STREAMS,
            start_new_session=True,
        )
        self.silent = False  # its output is closed
        self._secrets = [
            value
            for name, value in values.items()
            if value and name.startswith(("CHT_TOKEN", "CHT_PASSWORD_", "CHT_LEASE_"))
        ]
        # Bounded: who says more than is read has to wait, and fills no memory.
        self._lines: "queue.Queue[Optional[logs.Line]]" = queue.Queue(_LINES)
        threading.Thread(target=self._listen, name="log", daemon=True).start()

    def ended(self) -> Optional[int]:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def used(self) -> Optional[float]:
        """Seconds of the processor it has used; None where nobody says."""
        try:
            with open(f"/proc/{self._process.pid}/stat", encoding="ascii", errors="replace") as file:
                ticks = file.read().rpartition(")")[2].split()[11:15]  # own, and of its children that ended
            return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            return None

    def lines(self, seconds: float) -> Iterator[logs.Line]:
        """What it has said, waiting for the first line for at most ``seconds``. Ends
        after some, however much there is, and where it has closed its output."""
        try:
            for _count in range(_LINES):
                line = self._lines.get(timeout=seconds)
                if line is None:
                    self._lines.put(None)
                    self.silent = True
                    self._process.wait(1.0)
                    return
                yield line
                seconds = 0.0
        except (queue.Empty, subprocess.TimeoutExpired):
            return

    def stop(self, grace: float = GRACE) -> None:
        """End it and whatever it started."""
        try:
            self._signal(signal.SIGTERM)
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also where this process is asked to end meanwhile
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            for text in self._process.stdout:
                line = logs.read(text.rstrip("\n"), self._secrets)
                if line.refused:  # here, since who reads the lines may be busy
                    self._signal(signal.SIGKILL)
                self._lines.put(line)
        finally:
            self._lines.put(None)


def check(config: Config, sources: List[Source]) -> "tuple[bool, List[str]]":
    """Let Logstash test its configuration. Its directories are scratch ones, since a
    running Logstash holds its own."""
    for source in sources:
        source.lease = "lease"
    program = _program(config)
    values = environment(config, sources, "token")  # which reads all secrets
    values["LS_JAVA_OPTS"] = "-Xms256m -Xmx512m"  # beside a running one, so a small one
    for name in values:
        if name.startswith("CHT_PASSWORD_"):
            values[name] = "password"
    with tempfile.TemporaryDirectory(prefix="cht-logstash-") as scratch:
        directory = files.write_settings(
            config, os.path.join(scratch, "settings"), [source.feed for source in sources]
        )
        for name in ("data", "logs"):
            os.mkdir(os.path.join(scratch, name))
        done = subprocess.run(
            [
                program,
                "-t",
                "--path.settings",
                directory,
                "--path.data",
                os.path.join(scratch, "data"),
                "--path.logs",
                os.path.join(scratch, "logs"),
            ],
            env=values,
            **_STREAMS,
            check=False,
        )
    said = [line for line in map(logs.read, done.stdout.splitlines()) if line.text]
    serious = [line.text or "" for line in said if line.level >= 40]
    return done.returncode == 0, serious or [line.text or "" for line in said][-5:]
