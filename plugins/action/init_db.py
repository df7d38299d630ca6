# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the SQL of `src` on the controller and hands it to the module on the target."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._sql_bundle import read_bundle
from ansible_collections.cht.sync.plugins.plugin_utils._source_directory import SourceDirectoryAction


class ActionModule(SourceDirectoryAction):
    def read(self, directory: str) -> dict:
        return read_bundle(directory)
