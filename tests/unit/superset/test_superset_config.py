# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset's configuration as the role writes it for several inventories, read as Superset reads it."""

import getpass
import grp
import importlib.util
import os
import sys
from pathlib import Path

import pytest
import yaml
from playing import play

ROLE = Path(__file__).resolve().parents[3] / "roles" / "superset"
KEY = "k" * 40
INVENTORIES = {
    "usual": {},
    "gateway": {"superset_proxies": 2, "superset_https": True},
    "own": {"superset_config_extra": 'SQLLAB_TIMEOUT = 7\nSECRET_KEY = "short"\nGUEST_TOKEN_JWT_SECRET = GLOBAL_ASYNC_QUERIES_JWT_SECRET'},
    "broken": {"superset_config_extra": "ROW_LIMIT = 5\nif True\n    pass"},
    "unknown": {"superset_config_extra": "ROW_LIMIT = 5\nSQLLAB_TIMEOUT = minutes(7)"},
}


@pytest.fixture(scope="module")
def settings():
    """The module that reads the configuration on the machine."""
    spec = importlib.util.spec_from_file_location("cht_superset_settings", ROLE / "files/cht_superset/settings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written(tmp_path_factory, settings):
    """Inventory -> the settings; and what Ansible said. The task is the role's own, but for who owns the file."""
    directory = tmp_path_factory.mktemp("config")
    task = next(task for task in yaml.safe_load((ROLE / "tasks/configure.yml").read_text()) if task["name"] == "Configure Superset")
    (file,) = [file for file in task["vars"]["__superset_files"] if "superset_config.py" in str(file)]
    file["content"] = file["content"].replace("'superset_config.py.j2'", f"'{ROLE}/templates/superset_config.py.j2'")
    file |= {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
    both = [yaml.safe_load((ROLE / name).read_text()) for name in ("defaults/main.yml", "vars/main.yml")]
    hosts = {}
    for name, inventory in INVENTORIES.items():
        (directory / name).mkdir()
        (directory / name / "secret-key").write_text(KEY)
        here = {
            "__superset_config_dir": f"{directory}/{name}",
            "__superset_as_user": f"env PYTHONPATH={ROLE}/files PYTHONDONTWRITEBYTECODE=1",
            "__superset_venv": sys.prefix,
        }
        hosts[name] = {**both[0], **both[1], "cht_sync_postgresql_host": "127.0.0.1", **inventory, **here}
    done = play(directory, hosts, [{"cht.sync.config_files": {"files": [file]}}])

    def read(name):
        os.environ["SUPERSET_CONFIG_PATH"] = f"{directory}/{name}/superset_config.py"
        try:
            return settings.read()
        finally:
            del os.environ["SUPERSET_CONFIG_PATH"]

    return {name: read(name) for name in INVENTORIES if (directory / name / "superset_config.py").exists()}, done.stdout


def test_without_a_gateway_no_header_of_a_client_is_believed(written):
    assert written[0]["usual"]["ENABLE_PROXY_FIX"] is False
    assert written[0]["usual"]["SESSION_COOKIE_SECURE"] is False


def test_behind_a_gateway_clients_are_told_apart_and_cookies_keep_to_https(written):
    config = written[0]["gateway"]
    assert config["ENABLE_PROXY_FIX"] is True
    assert config["PROXY_FIX_CONFIG"] == {"x_for": 2, "x_proto": 2, "x_host": 0, "x_port": 0, "x_prefix": 0}
    assert config["SESSION_COOKIE_SECURE"] is True
    assert config["TALISMAN_CONFIG"]["session_cookie_secure"] is config["TALISMAN_CONFIG"]["strict_transport_security"] is True


def test_the_operators_own_settings_have_the_last_word(written):
    assert written[0]["own"]["SQLLAB_TIMEOUT"] == 7


def test_settings_that_are_no_python_are_not_put_in_place(written):
    assert "broken" not in written[0]
    assert "if True" in written[1] and "SyntaxError" in written[1]


def test_settings_that_fail_when_superset_reads_them_are_not_put_in_place(written):
    assert "unknown" not in written[0]
    said = " ".join(written[1].split())
    assert "NameError: name 'minutes' is not defined: SQLLAB_TIMEOUT = minutes(7)" in said


def test_keys_that_can_be_guessed_are_told(written, settings):
    assert settings.guessable(written[0]["usual"]) == []
    # One is short, two are the same.
    assert settings.guessable(written[0]["own"]) == ["SECRET_KEY", "GUEST_TOKEN_JWT_SECRET", "GLOBAL_ASYNC_QUERIES_JWT_SECRET"]
    assert settings.guessable({}) == ["SECRET_KEY", "GUEST_TOKEN_JWT_SECRET", "GLOBAL_ASYNC_QUERIES_JWT_SECRET"]
