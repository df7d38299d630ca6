# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value is right where the filters int, float and bool, by which the roles convert, take it for what is meant."""

import pytest

from ansible_collections.cht.sync.plugins.plugin_utils._variables import mistakes


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        *[("int", value, True) for value in (400, "400", " 400", "1e3", "-5", "400.0")],
        *[("int", value, False) for value in ("", None, "many", "0x10", "4.5", True, [4])],
        *[("bool", value, True) for value in (True, False, "true", "YES", "off", "1", 0)],
        *[("float", value, True) for value in (0.5, "0.5", 12, "12", "1e3")],
        *[("float", value, False) for value in ("", None, "many", True, "nan", "inf", [4])],
        *[("list", value, True) for value in ([], ["a"])],
        *[("list", value, False) for value in ("", None, "a", "a,b", '["a"]', 5, {"a": 1})],
        *[("dict", value, True) for value in ({}, {"a": 1})],
        *[("dict", value, False) for value in ("", None, "a=b", '{"a": 1}', 5, ["a"])],
        *[("bool", value, False) for value in ("", None, "perhaps", "y", " yes ", "2", 2)],
    ],
)
def test_what_has_the_form_of_its_type(kind, value, right):
    said = mistakes("x", {"type": kind}, value)
    assert (said == []) == right, said


def test_no_value_is_shown_that_may_be_a_secret():
    said = " ".join(mistakes("users", {"type": "list", "elements": "dict", "options": {"password": {"type": "str", "required": True}}}, ["geheim"]))
    assert "users" in said and "geheim" not in said


def test_a_choice_is_named_with_the_others():
    assert mistakes("mode", {"type": "str", "choices": ["a", "b"]}, "c") == ['mode is "c": it must be one of a, b']


def test_a_file_with_an_authority_lies_on_the_controller(authority):
    assert mistakes("dbt_db_ca_cert", {"type": "path"}, "") == mistakes("dbt_db_ca_cert", {"type": "path"}, authority.ca_file) == []
    for path, words in {"/etc/cht-sync/postgresql.crt": "No such file", "ca.pem": "a whole path on the controller", "/etc/hostname": "no certificate"}.items():
        (said,) = mistakes("dbt_db_ca_cert", {"type": "path"}, path)
        assert f"dbt_db_ca_cert names {path}" in said and words in said, said
