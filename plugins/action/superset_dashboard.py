# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the directory `src` on the controller and hands its files to the module on the target."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import read_directory
from ansible_collections.cht.sync.plugins.plugin_utils._source_directory import SourceDirectoryAction


class ActionModule(SourceDirectoryAction):
    def read(self, directory: str) -> dict:
        return read_directory(directory)
