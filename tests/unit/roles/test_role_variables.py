# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and switches of all roles may be given as text, as -e does; nonsense, and text for a list, is refused by name before anything changes."""

import json
from pathlib import Path

import jinja2
import pytest
import yaml
from jinja2 import nodes
from playing import ROOT, evaluated, refusals

# What Jinja's own parser says of patterns.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")
ROLES = sorted(path.parents[1].name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
# Of each type, what is said of "perhaps".
FORMS = {
    "int": 'is "perhaps": it must be a whole number',
    "float": 'is "perhaps": it must be a number',
    "bool": 'is "perhaps": it must be true or false',
    "list": "it must be a list, which -e takes as JSON only",
    "dict": "it must be a dictionary, which -e takes as JSON only",
}
CONVERTED = ("int", "float", "bool")
# Conditions, which are templates without braces.
CONDITIONS = {"when", "that", "until", "failed_when", "changed_when"}
# Read by people, who may read the text as it was given.
SAID = {"fail_msg", "msg", "name", "label", "argument_spec"}


def options(role: str) -> dict:
    return yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]


def typed(options: dict, path: tuple = ()):
    """All that must have a form, also in lists of dicts: (names from the outermost in, type)."""
    for name, option in options.items():
        if option["type"] in FORMS:
            yield (*path, name), option["type"]
        yield from typed(option.get("options", {}), (*path, name))


ALL = {(role, *path): kind for role in ROLES for path, kind in typed(options(role))}
KINDS = {path[1]: kind for path, kind in ALL.items() if len(path) == 2 and kind in CONVERTED}


def given(path: tuple, value) -> dict:
    """Variables that give the value at this place."""
    for name in reversed(path[1:]):
        value = {path[-1]: value} if name == path[-1] else {name: [value]}
    return value


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the check of the variables says: for one host with each variable wrong, by "role.variable", and one a role with all as text."""
    hosts = {".".join(path): {"role_path": f"{ROOT}/roles/{path[0]}", **given(path, "perhaps")} for path in ALL}
    for role in ROLES:
        as_text = {name: "yes" if kind == "bool" else "7" for name, kind in KINDS.items() if (role, name) in ALL}
        hosts[f"{role}-as-text"] = {"role_path": f"{ROOT}/roles/{role}", **as_text}
    return refusals(tmp_path_factory.mktemp("variables"), hosts, [{"cht.sync.check_variables": {}}])[0]


@pytest.mark.parametrize("path", ALL, ids=".".join)
def test_nonsense_is_refused_by_name(told, path):
    assert path[-1] in (said := told[".".join(path)]) and path[1] in said and FORMS[ALL[path]] in said


@pytest.mark.parametrize("role", ROLES)
def test_text_is_as_good_as_a_number(told, role):
    said = told.get(f"{role}-as-text", "")
    assert not [name for name in KINDS if f"{name} is" in said], said


@pytest.mark.parametrize("role", ROLES)
def test_a_preflight_begins_with_it(role):
    first = yaml.safe_load((ROOT / f"roles/{role}/tasks/preflight.yml").read_text())[0]
    assert first == {"name": "Check the variables", "cht.sync.check_variables": None}


def expressions(file: Path):
    """All that is a template in a file, and the name of the variable it is the value of, if it is one."""
    if file.suffix == ".j2":
        yield "", file.read_text()
        return
    waiting = [("", yaml.safe_load(file.read_text()) or [])]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.items())
        elif isinstance(value, list):
            waiting.extend((key, item) for item in value)
        elif isinstance(value, str) and key not in SAID:
            yield key, value if "{{" in value or "{%" in value or key not in CONDITIONS else f"{{{{ {value} }}}}"


def unconverted(node: nodes.Node, converted: bool = False):
    """The names of numbers and switches that no filter int, float or bool is applied to."""
    if isinstance(node, nodes.Name):
        if node.name in KINDS and not converted:
            yield node.name
        return
    for child in node.iter_child_nodes():
        filtered = isinstance(node, nodes.Filter) and child is node.node
        yield from unconverted(child, filtered and (converted or node.name in CONVERTED))


FILES = sorted(path for folder in ("tasks", "handlers", "vars", "defaults", "templates") for path in ROOT.glob(f"roles/*/{folder}/*.*"))
FILES += sorted(ROOT.glob("playbooks/**/*.yml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_each_use_converts(file):
    found = {
        name
        for key, template in expressions(file)
        # One number as the default of another is converted where that is used.
        if not (file.parent.name == "defaults" and key in KINDS)
        for name in unconverted(jinja2.Environment().parse(template))
    }
    assert not found, f"{file.relative_to(ROOT)}: {', '.join(sorted(found))}"


def test_a_relay_reads_a_number_where_text_was_given(tmp_path):
    as_text = {"relay_page_rows": "400", "relay_page_bytes": "1000000", "relay_max_document_bytes": "2000000"}
    feed = {"name": "a", "database": "medic", "unit": "a.medic", "source": "b/medic", "url": "http://b", "username": "u", "ca_file": None}
    variables = {"item": feed, "cht_sync_sources": []}
    for folder in ("defaults", "vars"):
        variables |= yaml.safe_load((ROOT / f"roles/relay/{folder}/main.yml").read_text())
    variables |= as_text
    text = evaluated(tmp_path, {"here": variables}, f"lookup('ansible.builtin.template', '{ROOT}/roles/relay/templates/feed.json.j2') | string")["here"]
    written = json.loads(text)
    assert {f"relay_{key}": written[key] for key in ("page_rows", "page_bytes", "max_document_bytes")} == {name: int(value) for name, value in as_text.items()}
