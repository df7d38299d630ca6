# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file: what is refused, and that nothing of it is quoted."""

import json

import pytest

from cht_engine.settings import ConfigError
from cht_relay import config

KEYS = {
    "source": "cht.example.org/medic",
    "couchdb_url": "https://cht.example.org/",
    "database": "medic",
    "couchdb_username": "u",
    "couchdb_password_file": "/nowhere/password",
    "postgrest_url": "http://127.0.0.1:3000",
    "jwt_secret_file": "/nowhere/jwt-secret",
}


def load(tmp_path, values):
    path = tmp_path / "relay.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return config.load(str(path))


def refusal(tmp_path, values):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, values)
    text = str(caught.value)
    assert str(tmp_path / "relay.json") in text and "\n" not in text
    return text


def test_defaults_and_trailing_slash(tmp_path):
    got = load(tmp_path, KEYS)
    assert (got.page_rows, got.read_timeout, got.call_timeout, got.poll_timeout) == (500, 60, 300, 25)
    assert (got.couchdb_ca_file, got.postgrest_ca_file) == (None, None)
    assert got.couchdb_url == "https://cht.example.org"


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_missing_key_is_named(tmp_path, key):
    values = {k: v for k, v in KEYS.items() if k != key}
    assert refusal(tmp_path, values).endswith(f"key {key}: missing")


def test_an_unknown_key_is_named(tmp_path):
    assert 'key "pasword": unknown' in refusal(tmp_path, {**KEYS, "pasword": "hunter2"})


@pytest.mark.parametrize(
    "key, value",
    [
        ("source", ""),
        ("source", 1),
        ("source", "a\nb"),
        ("source", "é/medic"),
        ("source", None),
        ("database", ["medic"]),
        ("couchdb_url", "cht.example.org"),
        ("couchdb_url", "ftp://cht.example.org"),
        ("couchdb_url", "http://"),
        ("couchdb_url", "http://host:port"),
        ("couchdb_url", "http://host?x=1"),
        ("couchdb_url", "http://host/#x"),
        ("postgrest_url", None),
        ("couchdb_ca_file", 1),
        ("postgrest_ca_file", ""),
        ("page_rows", 0),
        ("page_rows", True),
        ("page_rows", 1.5),
        ("page_rows", "500"),
        ("skip_id_prefixes", "task~"),
        ("skip_id_prefixes", [""]),
        ("skip_id_prefixes", [1]),
        ("read_timeout", 0),
        ("read_timeout", float("nan")),
        ("read_timeout", False),
        ("call_timeout", 0),
        ("token_hours", 0),
        ("token_hours", float("inf")),
        ("poll_timeout", "50"),
        ("poll_timeout", 1e9),
    ],
)
def test_an_unusable_value_names_its_key(tmp_path, key, value):
    assert f"key {key}: must " in refusal(tmp_path, {**KEYS, key: value})


@pytest.mark.parametrize("key", ["couchdb_url", "postgrest_url"])
def test_credentials_in_a_url_are_refused_and_not_repeated(tmp_path, key):
    text = refusal(tmp_path, {**KEYS, key: "https://admin:hunter2@cht.example.org"})
    assert key in text and "hunter2" not in text and "admin" not in text


@pytest.mark.parametrize("text", ["", "{", "[]", "hunter2", "null"])
def test_what_is_no_json_object(tmp_path, text):
    assert "hunter2" not in refusal(tmp_path, text).replace(str(tmp_path), "")


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match="none.json: No such file"):
        config.load(str(tmp_path / "none.json"))


def secrets(tmp_path, password=b"p\n", secret=b"t\n"):
    (tmp_path / "password").write_bytes(password)
    (tmp_path / "jwt-secret").write_bytes(secret)
    files = {
        "couchdb_password_file": str(tmp_path / "password"),
        "jwt_secret_file": str(tmp_path / "jwt-secret"),
    }
    return load(tmp_path, {**KEYS, **files}).secrets()


def test_secrets_lose_the_line_end_alone(tmp_path):
    got = secrets(tmp_path, " pä ss \r\n".encode(), b"a.b.c\n")
    assert (got.password, got.jwt_secret) == (" pä ss ", "a.b.c")
    assert "pä" not in repr(got) and "a.b.c" not in repr(got)


@pytest.mark.parametrize(
    "files, key",
    [
        ({"password": b"\n"}, "couchdb_password_file"),
        ({"password": b"\xff\n"}, "couchdb_password_file"),
        ({"secret": b""}, "jwt_secret_file"),
        ({"secret": b"hunter2\xff"}, "jwt_secret_file"),
    ],
)
def test_unusable_secrets_name_file_and_key(tmp_path, files, key):
    with pytest.raises(ConfigError, match=f"key {key}: ") as caught:
        secrets(tmp_path, **files)
    assert str(tmp_path) in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_missing_secret_file(tmp_path):
    with pytest.raises(ConfigError, match="/nowhere/password: key couchdb_password_file: No"):
        load(tmp_path, KEYS).secrets()
