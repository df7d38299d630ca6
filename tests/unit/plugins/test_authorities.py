# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.cht.sync.plugins.filter.authorities import authorities


def test_one_text_a_file(authority, tmp_path):
    text, both = Path(authority.ca_file).read_text(), tmp_path / "both.pem"
    both.write_text(text + text)
    assert authorities([authority.ca_file, str(both)]) == [text, text + text]


def test_mistakes_are_named(authority, tmp_path):
    twin = f"{tmp_path}/{Path(authority.ca_file).stem}.pem"
    for paths, words in {
        (authority.ca_file, twin): ["base_ca_certificates names", authority.ca_file, twin, "give one of the two files another name"],
        (authority.ca_file, f"{tmp_path}/none.pem"): [f"base_ca_certificates names {tmp_path}/none.pem", "No such file or directory"],
        ("ca.pem",): ["base_ca_certificates names ca.pem", "{{ inventory_dir }}/ca.pem"],
    }.items():
        with pytest.raises(AnsibleFilterError) as caught:
            authorities(paths)
        assert all(word in str(caught.value) for word in words), str(caught.value)
    with pytest.raises(AnsibleFilterError, match="dbt_db_ca_cert names ca.pem: it must be a whole path"):
        authorities(["ca.pem"], "dbt_db_ca_cert")
