# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection's options: those of community.postgresql, and no secret where options are logged."""

import importlib

import pytest
import yaml

from ansible_collections.cht.sync.plugins.doc_fragments.postgresql import ModuleDocFragment
from ansible_collections.cht.sync.plugins.module_utils import _postgres


def test_options_are_named_as_in_community_postgresql():
    theirs = importlib.import_module("ansible_collections.community.postgresql.plugins.doc_fragments.postgres")
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    for name, option in yaml.safe_load(theirs.ModuleDocFragment.DOCUMENTATION)["options"].items():
        ours = _postgres.connection_argument_spec()[name]
        assert ours.get("default") == option.get("default") == documented[name].get("default")
        assert ours.get("aliases") == option.get("aliases") == documented[name].get("aliases")


class Refused(Exception):
    pass


class Module:
    def __init__(self, **connect_params):
        self.params = {"connect_params": connect_params}
        self.no_log_values = set()

    def fail_json(self, msg):
        raise Refused(msg)


def test_a_password_among_libpqs_parameters_is_refused_and_masked():
    module = Module(password="hidden", connect_timeout=3)
    with pytest.raises(Refused, match="use login_password"):
        _postgres.require_psycopg2(module)
    assert module.no_log_values == {"hidden"}


def test_other_parameters_are_fine():
    _postgres.require_psycopg2(Module(connect_timeout=3))
