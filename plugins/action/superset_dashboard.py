# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the directories and ZIP files of `src` on the controller and hands their files to the module on the target."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset_files import read_layers
from ansible_collections.cht.sync.plugins.plugin_utils._source_directory import SourceDirectoryAction


class ActionModule(SourceDirectoryAction):
    def read(self, directory: str | list[str]) -> dict:
        return read_layers([directory] if isinstance(directory, str) else directory)
