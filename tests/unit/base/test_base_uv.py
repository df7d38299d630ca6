# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that uv gets from its environment."""

from pathlib import Path

import yaml
from playing import evaluated

VARS = yaml.safe_load((Path(__file__).resolve().parents[3] / "roles/base/vars/main.yml").read_text())
MIRROR = "https://mirror.example.org/simple"


def test_an_index_named_for_pip_is_uvs_too(tmp_path):
    inventories = {"none": {}, "proxy": {"cht_sync_environment": {"https_proxy": "http://p:3128"}}, "mirror": {"cht_sync_environment": {"PIP_INDEX_URL": MIRROR}}}
    found = evaluated(tmp_path, {name: {**VARS, **inventory} for name, inventory in inventories.items()}, "__base_uv_environment")
    assert {name: value.get("UV_DEFAULT_INDEX") for name, value in found.items()} == {"none": None, "proxy": None, "mirror": MIRROR}
    # A machine's own authorities count, and nothing but its own Python is used.
    assert {(value["UV_SYSTEM_CERTS"], value["UV_PYTHON_DOWNLOADS"]) for value in found.values()} == {("true", "never")}
