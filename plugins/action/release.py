# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the trees of `src` on the controller and hands their files to the module on the target, all at once."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._release import read_trees
from ansible_collections.cht.sync.plugins.plugin_utils._source_directory import SourceDirectoryAction


class ActionModule(SourceDirectoryAction):
    def read(self, directory: str | list[str]) -> dict:
        return read_trees([directory] if isinstance(directory, str) else directory)
