# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""superset_dashboard and superset_dashboard_info on a real Superset, with a dashboard of their own."""

import json
import shutil
import subprocess
import zipfile

import pytest
import yaml
from superset_bundle import (
    ADDED,
    CONNECTION,
    DASHBOARD,
    DASHBOARD_FILE,
    DATASET,
    DATASET_FILE,
    NUMBER,
    NUMBER_FILE,
    OTHER,
    OWN,
    TABLE,
    Bundle,
    Person,
    chart,
    connection,
    contents,
)

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_absent import remove
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import KINDS, parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_dashboards import converge
from ansible_collections.cht.sync.plugins.module_utils._superset_drift import Record
from ansible_collections.cht.sync.plugins.module_utils._superset_files import BundleError, read_layers
from playing import ROOT, play

pytestmark = [pytest.mark.one, pytest.mark.browser]


@pytest.fixture(scope="module")
def superset(demo):
    """Superset, logged in once. Whatever is not the tests' own must be at the end as it was."""
    superset = Superset(
        {
            "url": demo.url,
            "username": "admin",
            "password": demo.secrets["superset_admin_password"],
            "timeout": 60,
            "validate_certs": True,
            "ca_path": None,
        }
    )
    clear(superset)
    others = contents(superset, own=False)
    yield superset
    clear(superset)
    assert contents(superset, own=False) == others


def clear(superset, but=()):
    """Deletes what is the tests' own, but these."""
    remove(superset, {(kind, uuid): uuid for kind in KINDS for uuid in OWN if uuid not in but}, dry_run=False)


class Deployment:
    """The bundle in Superset, as the role deploys it."""

    def __init__(self, superset, path):
        self.superset = superset
        self.path = path

    def run(self, bundle, keep_drift=True, dry_run=False, passwords=None):
        record = Record(str(self.path))
        return converge(self.superset, bundle.assets(), passwords or {}, dry_run, record, keep_drift)

    def fields(self, bundle, **options):
        """Of each file the fields that differed."""
        return {(entry["file"], entry["field"]) for entry in self.run(bundle, **options)["differences"]}


@pytest.fixture
def deployed(superset, tmp_path):
    """The bundle as it is, whatever the test before made of it."""
    clear(superset, but=(DATASET, NUMBER, TABLE, DASHBOARD))
    deployment = Deployment(superset, tmp_path / "record.json")
    deployment.run(Bundle(), keep_drift=False)
    return deployment


@pytest.fixture
def person(superset):
    return Person(superset)


def test_a_second_import_changes_nothing(deployed, superset, person):
    before = contents(superset, own=True)
    outcome = deployed.run(Bundle())
    assert not outcome["changed"] and outcome["differences"] == outcome["drift"] == []
    assert contents(superset, own=True) == before
    assert person.charts_on_dashboard() == ["Table of the test", "Total of the test"]


def test_opening_and_saving_without_a_change_is_no_drift(deployed, person):
    person.save_chart(NUMBER, "Total of the test")
    person.save_dashboard("Test of cht.sync")
    outcome = deployed.run(Bundle())
    assert (outcome["changed"], outcome["differences"], outcome["drift"]) == (False, [], [])


def test_a_changed_bundle_is_imported(deployed, superset, person):
    bundle = Bundle()
    bundle.contents[NUMBER_FILE]["slice_name"] = "Sum of the test"
    bundle.contents[DATASET_FILE]["metrics"][0]["verbose_name"] = "Sum"
    assert deployed.fields(bundle) == {(NUMBER_FILE, "slice_name"), (DATASET_FILE, "metrics.total.verbose_name")}
    assert person.charts_on_dashboard() == ["Sum of the test", "Table of the test"]
    assert not deployed.run(bundle)["changed"]


def test_a_chart_that_left_the_bundle_leaves_the_dashboard(deployed, superset, person):
    assert deployed.run(Bundle().without_table())["changed"]
    assert person.charts_on_dashboard() == ["Total of the test"]
    # Others may show it.
    assert superset.find("charts", TABLE) is not None
    assert not deployed.run(Bundle().without_table())["changed"]


def test_a_change_in_the_browser_is_kept_until_it_is_to_be_overwritten(deployed, superset, person):
    person.save_chart(NUMBER, "By hand", header_font_size=0.3)
    person.save_dashboard("By hand too")
    before = contents(superset, own=True)
    bundle = Bundle()
    bundle.contents[NUMBER_FILE]["description"] = "New in the bundle"
    for dry_run in (True, False):
        outcome = deployed.run(bundle, dry_run=dry_run)
        drift = {(entry["file"], entry["field"]): (entry["before"], entry["after"]) for entry in outcome["drift"]}
        assert drift == {
            (NUMBER_FILE, "slice_name"): ("Total of the test", "By hand"),
            (NUMBER_FILE, "params.header_font_size"): (0.5, 0.3),
            (DASHBOARD_FILE, "dashboard_title"): ("Test of cht.sync", "By hand too"),
        }
        assert not outcome["changed"] and contents(superset, own=True) == before
    assert deployed.run(bundle, keep_drift=False, dry_run=True)["changed"] and contents(superset, own=True) == before
    assert deployed.run(bundle, keep_drift=False)["changed"]
    assert person.charts_on_dashboard() == ["Table of the test", "Total of the test"]
    outcome = deployed.run(bundle)
    assert not outcome["changed"] and outcome["drift"] == []


def test_what_somebody_deleted_is_made_anew(deployed, superset, person):
    superset.delete(f"/api/v1/chart/{person.number('charts', NUMBER)}")
    outcome = deployed.run(Bundle())
    assert outcome["changed"] and person.charts_on_dashboard() == ["Table of the test", "Total of the test"]
    # Superset lets a dataset go that charts read.
    superset.delete(f"/api/v1/dataset/{person.number('datasets', DATASET)}")
    assert deployed.run(Bundle(), keep_drift=False)["changed"]
    assert not deployed.run(Bundle())["changed"]


def test_a_chart_of_ones_own_is_one_file(deployed, tmp_path, superset, person):
    own = tmp_path / "own" / "charts" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(yaml.safe_dump(chart(ADDED, "My own", "big_number_total", metric="total")))
    assets = parse_bundle(read_layers([str(Bundle().write(tmp_path / "shipped")), str(own.parents[1])])["layers"])
    assert converge(superset, assets, {}, dry_run=False)["changed"]
    assert person.charts_on_dashboard() == ["My own", "Table of the test", "Total of the test"]
    assert not converge(superset, assets, {}, dry_run=False)["changed"]


def test_a_chart_added_from_its_own_page_is_one_change(deployed, superset, person):
    """Superset itself gives it a place under a new name at each export."""
    deployed.run(Bundle().without_table())
    superset.put(f"/api/v1/chart/{person.number('charts', TABLE)}", {"dashboards": [person.number("dashboards", DASHBOARD)]})
    told = [deployed.run(Bundle().without_table())["drift_lines"] for _ in range(2)]
    assert told[0] == told[1] and any(TABLE in line for line in told[0])


def test_what_a_failed_import_left_behind_is_undone(deployed, superset):
    """Superset keeps a new connection of an import that fails, and what it imported before that one."""
    bundle = Bundle()
    bundle.contents["databases/1.yaml"] = connection(CONNECTION, "cht.sync test")
    deployed.run(bundle, passwords={"databases/1.yaml": "wrong"})
    before = contents(superset, own=True)
    bundle.contents["databases/1.yaml"]["cache_timeout"] = 77
    bundle.contents["databases/2.yaml"] = connection(OTHER, "cht.sync test, new")
    bundle.contents[NUMBER_FILE]["slice_name"] = "Never to be seen"
    # Longer than its column.
    bundle.contents[DASHBOARD_FILE]["slug"] = "x" * 300
    passwords = {"databases/2.yaml": "wrong"}
    with pytest.raises(SupersetError) as caught:
        deployed.run(bundle, keep_drift=False, passwords=passwords)
    assert contents(superset, own=True) == before
    for part in ("500", "What it did before that was undone", '"cht.sync test" (databases/1.yaml)', "(databases/2.yaml)"):
        assert part in str(caught.value)
    # And that was nobody's change by hand.
    bundle.contents[DASHBOARD_FILE]["slug"] = "cht-sync-test"
    assert deployed.run(bundle, passwords=passwords)["drift"] == []


def test_it_goes_with_all_that_is_its_own_and_comes_back_under_other_numbers(deployed, superset, person):
    number = person.number("charts", NUMBER)
    files = {asset.key: asset.file for asset in Bundle().assets()}
    assert remove(superset, files, dry_run=True)["changed"] and contents(superset, own=True)
    outcome = remove(superset, files, dry_run=False)
    assert outcome["deleted"][0] == f'dashboard "Test of cht.sync" ({DASHBOARD_FILE})' and outcome["kept"] == []
    assert contents(superset, own=True) == {} and not remove(superset, files, dry_run=False)["changed"]
    assert deployed.run(Bundle())["changed"] and person.number("charts", NUMBER) != number
    assert not deployed.run(Bundle())["changed"]


def test_what_another_dashboard_shows_stays(deployed, superset):
    other = Bundle().without_table()
    other.contents[DASHBOARD_FILE].update(uuid=OTHER, slug="cht-sync-test-other", dashboard_title="Other test")
    converge(superset, other.assets(), {}, dry_run=False)
    files = {asset.key: asset.file for asset in Bundle().assets()}
    outcome = remove(superset, files, dry_run=False)
    assert set(contents(superset, own=True)) == {("dashboards", OTHER), ("charts", NUMBER), ("datasets", DATASET)}
    assert any("Total of the test" in kept for kept in outcome["kept"])


@pytest.mark.parametrize(
    "path, field, value",
    [(DASHBOARD_FILE, "slug", "cht-sync-test"), (DATASET_FILE, "table_name", "cht_sync_test_numbers")],
)
def test_it_takes_no_other_objects_place(deployed, superset, path, field, value):
    before = contents(superset, own=True)
    bundle = Bundle()
    text = yaml.safe_dump(bundle.contents).replace(bundle.contents[path]["uuid"], OTHER)
    bundle.contents = yaml.safe_load(text)
    with pytest.raises(BundleError, match=f"{path}: .*{field} is also that of"):
        deployed.run(bundle)
    assert contents(superset, own=True) == before


def spoilt(path, **fields):
    def spoil(directory, bundle):
        bundle.contents[path].update(fields)
        return bundle.write(directory)

    return spoil


def not_a_zip(directory, _bundle):
    (directory / "x.zip").write_text("a: 1")
    return directory / "x.zip"


def empty_zip(directory, _bundle):
    zipfile.ZipFile(directory / "x.zip", "w").close()
    return directory / "x.zip"


def not_yaml(directory, bundle):
    (bundle.write(directory) / NUMBER_FILE).write_text("a: [")
    return directory


def no_password(directory, bundle):
    bundle.contents["databases/new.yaml"] = connection(CONNECTION, "cht.sync test")
    return bundle.write(directory)


def without_uuid(directory, bundle):
    del bundle.contents[NUMBER_FILE]["uuid"]
    return bundle.write(directory)


BUNDLE_ERRORS = {
    "x.zip is no ZIP file": not_a_zip,
    "x.zip is a ZIP file without files": empty_zip,
    f"{NUMBER_FILE} is not valid YAML": not_yaml,
    f"{NUMBER_FILE}: params must be a mapping": spoilt(NUMBER_FILE, params="{}"),
    f'{NUMBER_FILE}: version must be "1.0.0", it is 1.0': spoilt(NUMBER_FILE, version=1.0),
    f"{NUMBER_FILE}: uuid is missing": without_uuid,
    f"{NUMBER_FILE}: dataset_uuid {OTHER} is in no file of datasets/, and not in Superset either": spoilt(
        NUMBER_FILE, dataset_uuid=OTHER
    ),
    f"{DATASET_FILE}: Superset has no database connection with database_uuid {OTHER}": spoilt(
        DATASET_FILE, database_uuid=OTHER
    ),
    "databases/new.yaml: the connection is new, so database_passwords must hold its password": no_password,
}


def played(demo, tmp_path, tasks, *arguments):
    """Plays tasks of the modules, whether they fail or not; returns what they returned, and what was shown."""
    results = tmp_path / "results.yml"
    options = {"url": demo.url, "username": "admin", "password": demo.secrets["superset_admin_password"]}
    played = [
        {
            "block": [{**task, "register": f"result_{number}", "module_defaults": {"group/cht.sync.superset": options}}],
            "rescue": [{"debug": {"msg": "It failed."}}],
        }
        for number, task in enumerate(tasks)
    ]
    content = "{{ [" + ", ".join(f"result_{number}" for number in range(len(tasks))) + "] | to_json }}"
    played.append({"copy": {"content": content, "dest": str(results)}, "check_mode": False, "diff": False})
    done = play(tmp_path, {"here": {}}, played, arguments=arguments)
    assert done.returncode == 0, done.stdout
    return yaml.safe_load(results.read_text()), done.stdout


def test_each_error_of_a_bundle_is_told_with_file_and_field_and_nothing_is_changed(demo, deployed, superset, tmp_path):
    before = contents(superset, own=True)
    tasks = []
    for number, spoil in enumerate(BUNDLE_ERRORS.values()):
        directory = tmp_path / str(number)
        directory.mkdir()
        tasks.append({"cht.sync.superset_dashboard": {"src": str(spoil(directory, Bundle()))}})
    results, _ = played(demo, tmp_path, tasks)
    for said, result in zip(BUNDLE_ERRORS, results):
        assert result["failed"] and said in result["msg"] and not result.get("changed")
    assert contents(superset, own=True) == before


def test_as_tasks(demo, superset, person, tmp_path):
    """Check mode, the diff, the warning, and the way from the browser into files and back."""
    clear(superset)
    source, record, files = str(Bundle().write(tmp_path / "bundle")), str(tmp_path / "record.json"), tmp_path / "files"
    deploy = {"src": source, "record": record, "on_drift": "report"}
    name = "cht.sync.superset_dashboard"
    results, _ = played(demo, tmp_path, [{name: deploy, "check_mode": True}, {name: deploy}, {name: deploy}])
    assert [result["changed"] for result in results] == [True, True, False]

    person.save_chart(NUMBER, "By hand")
    overwrite = {**deploy, "on_drift": "overwrite"}
    results, shown = played(demo, tmp_path, [{name: deploy}, {name: overwrite}], "--check", "--diff")
    line = f'chart "Total of the test" ({NUMBER_FILE}): slice_name: "Total of the test" -> "By hand"'
    assert line in results[0]["warnings"][0] and line in shown and not results[0]["changed"]
    assert "-  slice_name: By hand\n" in shown and "+  slice_name: Total of the test\n" in shown
    assert demo.secrets["superset_admin_password"] not in shown

    info = {"uuids": [DASHBOARD], "dest": str(files), "dest_datasets": str(files / "datasets")}
    export = {"cht.sync.superset_dashboard_info": info}
    back = {**deploy, "src": [str(files / "datasets"), str(files / "cht_sync_test")]}
    results, _ = played(demo, tmp_path, [{**export, "check_mode": True}, export, {name: back}])
    assert [result["changed"] for result in results] == [True, True, False]
    assert (files / "cht_sync_test/charts/by_hand.yaml").exists() and results[2]["drift"] == []

    results, _ = played(demo, tmp_path, [{name: {"uuid": DASHBOARD, "state": "absent"}}, {name: {**deploy, "state": "absent"}}])
    assert [result["changed"] for result in results] == [True, True]
    assert contents(superset, own=True) == {} and not (tmp_path / "record.json").exists()


def test_what_is_deployed_is_what_its_files_say(demo, superset, tmp_path):
    """The export of our own dashboards is our own files, to the letter."""
    files = tmp_path / "dashboards"
    shutil.copytree(ROOT / "roles/superset/files/dashboards", files)
    slugs = [yaml.safe_load(file.read_text())["slug"] for file in files.glob("*/dashboards/*.yaml")]
    variables = json.dumps({"dashboards_export_dest": str(files), "dashboards_export_slugs": slugs})
    command = ["ansible-playbook", "-i", demo.inventory, "playbooks/dashboards_export.yml", "-e", variables, "--diff"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "nothing to write: the files say what Superset has" in done.stdout, done.stdout + done.stderr
