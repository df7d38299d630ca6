# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files a start of Logstash rests on: a power cut leaves the old one or the new one,
never half of it."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, Optional

from cht_engine.files import sync, write
from cht_engine.settings import ConfigError
from cht_logstash.config import Config, Feed

# Where the vendor's JVM options lie: in the archive, or where the deb puts them.
_JVM_OPTIONS = ("{home}/config/jvm.options", "/etc/logstash/jvm.options")


def sequence_path(config: Config, feed: Feed) -> str:
    """The file the couchdb_changes input reads its position from, once, at its start."""
    return os.path.join(config.state_dir, "seq", feed.pipeline)


def write_sequence(config: Config, feed: Feed, seq: Optional[str]) -> None:
    """Let the input start at ``seq``; None: from the start, which is no file (an empty
    one would be a 400 of CouchDB for ever)."""
    path = sequence_path(config, feed)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if seq is not None:
        write(path, seq)
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    sync(os.path.dirname(path))


def read_sequence(config: Config, feed: Feed) -> Optional[str]:
    """What the input has read up to; None where the file is not there or, since the
    input rewrites it in place, empty at the moment."""
    try:
        with open(sequence_path(config, feed), encoding="utf-8") as file:
            return file.read().strip() or None
    except (OSError, ValueError):
        return None


def write_settings(config: Config, directory: str, feeds: Iterable[Feed]) -> str:
    """Make Logstash's settings directory, with a pipeline for each of ``feeds``.

    Raises ConfigError where a pipeline's file cannot be read.
    """
    os.makedirs(directory, mode=0o750, exist_ok=True)
    links = {
        name: os.path.join(config.settings_dir, name)
        for name in ("logstash.yml", "log4j2.properties")
    }
    for options in _JVM_OPTIONS:
        options = options.format(home=config.logstash_home)
        if os.path.exists(options):
            links.setdefault("jvm.options", options)
    for name, target in links.items():
        link = os.path.join(directory, name)
        if not os.path.islink(link) or os.readlink(link) != target:
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(target, link)
    pipelines = []
    for feed in feeds:
        conf = os.path.join(config.pipelines_dir, feed.pipeline + ".conf")
        try:  # where it is missing, Logstash would find nothing wrong
            open(conf, "rb").close()
        except OSError as error:
            raise ConfigError(f"{conf}: {error.strerror}") from None
        pipelines.append({"pipeline.id": feed.pipeline, "path.config": conf})
    # JSON, which is YAML too
    write(os.path.join(directory, "pipelines.yml"), json.dumps(pipelines, indent=1))
    return directory


def write_state(config: Config, state: Any) -> None:
    """Tell playbooks and people how it stands."""
    write(os.path.join(config.runtime_dir, "state.json"), json.dumps(state), 0o644)
