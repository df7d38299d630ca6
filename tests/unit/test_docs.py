# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README, docs and messages show is what one has to type."""

import re

import pytest
from playing import ROOT

SAID = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("roles/*/README.md"),
    *ROOT.glob("changelogs/fragments/*.yml"),
    *ROOT.glob("inventories/*/**/*.yml"),
    *ROOT.glob("playbooks/**/*.yml"),
    *ROOT.glob("roles/*/*/*.yml"),
    *ROOT.glob("roles/*/files/cht_*/*.py"),
    *ROOT.glob("plugins/**/*.py"),
]


def test_ansible_playbook_is_always_shown_with_an_inventory():
    assert len(SAID) > 200
    # Over the end of a line, too: messages are folded.
    shown = [(path, line) for path in SAID for line in re.findall(r"ansible-playbook\s+(?:\S+\s+){0,2}\S*", path.read_text())]
    assert len(shown) > 30
    # The console of Ansible's own name, in prose, is no command.
    without = [(str(path.relative_to(ROOT)), line) for path, line in shown if re.match(r"ansible-playbook\s+(?!-i\s)", line) and "playbooks/" in line]
    assert without == []


@pytest.mark.parametrize("name", ["hosts.yml", "main.yml"])
def test_readme_shows_the_inventory_of_one_machine_as_it_is(name):
    shown = re.search(rf"<!-- readme: {name} -->\n```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE).group(1)
    (file,) = (ROOT / "inventories/single_vm").rglob(name)
    said = [line for line in shown.splitlines() if line and not line.startswith("#")]
    assert [line for line in file.read_text().splitlines() if line and not line.startswith(("#", "---"))] == said
