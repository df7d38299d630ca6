# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.cht.sync.plugins.filter.feeds import feeds

ENTRY = {"name": "district", "url": "https://cht.example.org:6984/", "username": "u", "password": "geheim", "databases": ["medic", "medic-sentinel"]}


def test_one_feed_a_database():
    first, second = feeds([ENTRY])
    assert first == {
        "name": "district",
        "database": "medic",
        "unit": "district.medic",
        "source": "cht.example.org/medic",
        "url": "https://cht.example.org:6984",
        "username": "u",
        "ca_file": None,
        "ca_pem": None,
    }
    assert second["source"] == "cht.example.org/medic-sentinel"


def test_of_a_ca_file_the_certificates_alone_are_taken(tmp_path, authority):
    certificate, key = authority.certificate()
    text, own = Path(authority.ca_file).read_text(), tmp_path / "own.pem"
    own.write_text(f"# वाराणसी\n{Path(key).read_text()}{text}{Path(certificate).read_text()}".replace("\n", "\r\n"), encoding="utf-8")
    first, second = feeds([{**ENTRY, "ca_file": str(own)}, {**ENTRY, "name": "b", "source_prefix": "b"}], ["others\n"])[::2]
    assert (first["ca_file"], first["ca_pem"]) == (str(own), text + Path(certificate).read_text())
    assert (second["ca_file"], second["ca_pem"]) == (None, "others\n")


def test_a_ca_file_that_is_none_is_named(tmp_path):
    for path, words in {
        "north.pem": ["it must be a whole path on the controller, as {{ inventory_dir }}/north.pem"],
        f"{tmp_path}/north.pem": [f"{tmp_path}/north.pem", "cannot be read on the controller (No such file or directory)", "put the certificate"],
        str(tmp_path): ["Is a directory", "correct ca_file"],
        __file__: [__file__, "holds no certificate in PEM form", "site.yml brings it to the machine that syncs"],
    }.items():
        with pytest.raises(AnsibleFilterError) as caught:
            feeds([{**ENTRY, "ca_file": path}])
        assert all(word in str(caught.value) for word in ["entry 1 (district): ca_file names", *words]), str(caught.value)


def test_an_ipv6_address_names_a_source_without_its_brackets():
    (first, _second) = feeds([{**ENTRY, "url": "https://[2001:DB8::1]:6984/"}])
    assert (first["source"], first["url"]) == ("2001:db8::1/medic", "https://[2001:DB8::1]:6984")


def test_a_prefix_replaces_the_host():
    assert feeds([{**ENTRY, "source_prefix": "kenya"}])[0]["source"] == "kenya/medic"


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ("medic", "must be a list"),
        (["medic"], "must be a dictionary"),
        ([{}], "lacks name, url, username, password, databases"),
        ([{**ENTRY, "databases": []}], "lacks databases"),
        ([{**ENTRY, "user": "x"}], "unknown keys user"),
        ([{**ENTRY, "name": "Distrikt 1"}], "name may hold"),
        ([{**ENTRY, "url": "cht.example.org"}], "must begin with http"),
        ([{**ENTRY, "url": "https://a:b@cht.example.org"}], "must not hold credentials"),
        ([{**ENTRY, "url": "https://cht.example.org:port"}], "not valid"),
        ([{**ENTRY, "url": "https://2001:db8::1:5984"}], "an IPv6 address stands in brackets, as https://[2001:db8::1]:5984"),
        ([{**ENTRY, "url": "https://[2001:db8::1:5984"}], "an IPv6 address stands in brackets"),
        ([{**ENTRY, "url": "http://[fe80::1%25eth0]:5984"}], "must not name an interface with %"),
        ([{**ENTRY, "url": "https://cht.example.org/?a"}], "query"),
        ([{**ENTRY, "url": "https://cht.example.org/_utils/#/_all_dbs"}], "leave out /_utils"),
        ([{**ENTRY, "source_prefix": "a/b"}], "source_prefix may hold"),
        ([{**ENTRY, "databases": "medic"}], "must be a list"),
        ([{**ENTRY, "databases": ["_users"]}], "credentials"),
        ([{**ENTRY, "databases": ["Medic"]}], "no name of a CHT database"),
        ([ENTRY, {**ENTRY, "name": "b", "url": "https://cht.example.org"}], "source cht.example.org/medic"),
        ([ENTRY, {**ENTRY, "name": "b", "url": "https://cht.example.org"}], "remove one if they are one CouchDB"),
        ([ENTRY, {**ENTRY, "name": "b", "url": "https://cht.example.org:6984"}], "stands twice in cht_sync_sources: remove one"),
        ([{**ENTRY, "databases": ["medic", "medic"]}], "stands twice in cht_sync_sources: remove one"),
        ([ENTRY, {**ENTRY, "url": "https://other.example.org"}], "unit district.medic"),
    ],
)
def test_mistakes_are_named(sources, words):
    with pytest.raises(AnsibleFilterError) as caught:
        feeds(sources)
    assert words in str(caught.value)
    assert "geheim" not in str(caught.value)
