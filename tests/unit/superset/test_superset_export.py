# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Superset into files: what a change there makes of files that people wrote."""

from pathlib import Path

import pytest
import yaml
from conftest import CHART, DASHBOARD, DATASET

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import Asset, parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_differences import compare
from ansible_collections.cht.sync.plugins.module_utils._superset_export import dumped, written
from ansible_collections.cht.sync.plugins.module_utils._superset_files import read_layers
from ansible_collections.cht.sync.plugins.module_utils._superset_normal import meanings
from ansible_collections.cht.sync.plugins.plugin_utils._superset_directory import DirectoryError, plan

FILES = Path(__file__).resolve().parents[3] / "roles" / "superset" / "files"
HEAD = "# Ours, whatever happens\n---\n"
OTHER = "10000000-0000-4000-8000-000000000001"


class Export:
    """Superset's objects, and a directory to write them to."""

    def __init__(self, exported, directory):
        self.exported = exported
        self.directory = directory
        self.datasets = None

    def plan(self):
        assets = [Asset(path.split("/")[0], path, content) for path, content in self.exported.contents.items()]
        objects = [{"kind": asset.kind, "content": written(asset)} for asset in assets]
        found = {"uuid": DASHBOARD, "slug": "our-reports", "title": "Reports", "objects": objects}
        return plan([found], str(self.directory), str(self.datasets) if self.datasets else None)

    def write(self):
        """Returns the names of the files that changed."""
        changes = self.plan()
        for change in changes:
            change.apply()
        return sorted(change.path.relative_to(self.directory).as_posix() for change in changes)

    def text(self, path):
        return (self.directory / path).read_text(encoding="utf-8")


@pytest.fixture
def export(exported, tmp_path):
    return Export(exported, tmp_path)


@pytest.fixture
def files(bundle, export):
    """The files that people wrote of the same objects, under names of their own."""
    for path, content in bundle.contents.items():
        file = export.directory / "mine" / path.replace("reports", "file")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEAD + yaml.safe_dump(content, sort_keys=True), encoding="utf-8")
    export.datasets = export.directory / "mine"
    return export


@pytest.mark.parametrize("path", sorted(FILES.glob("d*/**/*.yaml")), ids=lambda path: "/".join(path.parts[-3:]))
def test_our_own_files_look_like_an_export(path):
    text = path.read_text(encoding="utf-8")
    head = text[: text.index("---\n") + 4]
    assert text == head + dumped(yaml.safe_load(text))


def test_files_that_say_the_same_are_left_alone(files):
    assert files.write() == []


def test_members_that_say_the_same_stay_as_they_were_written(files, bundle):
    filters = [{"expressionType": "SQL", "sqlExpression": "n > 1", "comparator": None}]
    bundle.chart["params"]["adhoc_filters"] = filters
    (files.directory / "mine/charts/file.yaml").write_text(yaml.safe_dump(bundle.chart))
    files.exported.chart["params"]["adhoc_filters"] = [{"expressionType": "SQL", "sqlExpression": "n > 1", "subject": ""}]
    assert files.write() == []


def test_a_change_is_all_that_changes(files):
    before = files.text("mine/charts/file.yaml")
    files.exported.chart["slice_name"] = "By hand"
    assert files.write() == ["mine/charts/file.yaml"]
    after = files.text("mine/charts/file.yaml")
    assert after.startswith(HEAD) and files.write() == []
    gone = set(before.splitlines()) - set(after.splitlines())
    # With the chart changed, what the browser made of it before is wrong.
    assert set(after.splitlines()) - set(before.splitlines()) == {"slice_name: By hand"}
    assert gone == {"slice_name: Reports", """query_context: '{"queries": [{"metrics": ["reports"]}]}'"""}


def test_a_chart_that_comes_and_one_that_goes(files):
    exported = files.exported
    exported.contents["charts/new.yaml"] = {**exported.contents.pop("charts/reports.yaml"), "uuid": OTHER, "slice_name": "My Chart!"}
    meta = exported.dashboard["position"]["CHART-a"]["meta"]
    meta["uuid"] = OTHER
    assert files.write() == ["mine/charts/file.yaml", "mine/charts/my_chart.yaml", "mine/dashboards/file.yaml"]
    assert not (files.directory / "mine/charts/file.yaml").exists()
    dashboard = yaml.safe_load(files.text("mine/dashboards/file.yaml"))
    scope = dashboard["metadata"]["native_filter_configuration"][0]["scope"]
    assert dashboard["position"]["CHART-a"]["meta"]["chartId"] == scope["excluded"][0]


def test_numbers_of_charts_stay(files):
    files.exported.dashboard["dashboard_title"] = "By hand"
    files.write()
    dashboard = yaml.safe_load(files.text("mine/dashboards/file.yaml"))
    assert dashboard["position"]["CHART-a"]["meta"]["chartId"] == 7
    assert dashboard["metadata"]["native_filter_configuration"][0]["scope"]["excluded"] == [7]


def test_a_scope_of_ones_own_is_named_by_the_files_numbers(files):
    files.exported.dashboard["metadata"]["chart_configuration"]["99"]["crossFilters"]["scope"] = {"rootPath": ["ROOT_ID"], "excluded": [99]}
    files.write()
    configuration = yaml.safe_load(files.text("mine/dashboards/file.yaml"))["metadata"]["chart_configuration"]
    assert configuration == {"7": {"id": 7, "crossFilters": {"scope": {"rootPath": ["ROOT_ID"], "excluded": [7]}}}}


def test_a_new_directory_holds_what_can_be_deployed(export, exported):
    export.datasets = export.directory / "datasets"
    assert export.write() == [
        "datasets/datasets/rpt_data_record.yaml", "our_reports/charts/reports.yaml", "our_reports/dashboards/our_reports.yaml"
    ]
    assert export.write() == []
    sources = [str(export.directory / name) for name in ("datasets", "our_reports")]
    bundle = parse_bundle(read_layers(sources)["layers"])
    live = [Asset(path.split("/")[0], path, content) for path, content in exported.contents.items()]
    assert compare(meanings(live, live), meanings(bundle, bundle), bundle) == []
    texts = export.text("our_reports/charts/reports.yaml") + export.text("our_reports/dashboards/our_reports.yaml")
    for accident in ("datasource", "slice_id", "query_context", "chartsInScope", "color_scheme_domain", "99"):
        assert accident not in texts


def test_datasets_are_written_where_they_are_wanted_only(export):
    assert not any(path.startswith("datasets") for path in export.write())


def test_columns_keep_their_order_and_new_ones_come_last(files):
    files.exported.dataset["columns"].insert(0, {"column_name": "added", "type": "TEXT", "groupby": False})
    files.exported.dataset["columns"][1]["verbose_name"] = "Day"
    assert files.write() == ["mine/datasets/file.yaml"]
    columns = yaml.safe_load(files.text("mine/datasets/file.yaml"))["columns"]
    assert [column["column_name"] for column in columns] == ["form", "day", "added"]
    assert columns[1]["verbose_name"] == "Day" and columns[2]["groupby"] is False


def test_charts_of_another_dashboard_in_the_directory_stay(files, bundle):
    other = {**bundle.chart, "uuid": OTHER}
    (files.directory / "mine/charts/other.yaml").write_text(yaml.safe_dump(other))
    dashboard = {**bundle.dashboard, "uuid": DATASET, "position": {"CHART-x": {"type": "CHART", "meta": {"chartId": 1, "uuid": OTHER}}}}
    (files.directory / "mine/dashboards/other.yaml").write_text(yaml.safe_dump(dashboard))
    assert files.write() == []
    (files.directory / "mine/dashboards/other.yaml").unlink()
    assert files.write() == ["mine/charts/other.yaml"]


@pytest.mark.parametrize(
    "path, text, said",
    [
        ("our_reports/dashboards/x.yaml", f"uuid: {OTHER}", "our_reports holds another dashboard than"),
        ("our_reports/charts/x.yaml", "a: [", "charts/x.yaml is not valid YAML"),
        ("our_reports/charts/x.yaml", "a: 1", "charts/x.yaml: uuid is missing"),
    ],
)
def test_what_cannot_be_brought_together(export, path, text, said):
    (export.directory / path).parent.mkdir(parents=True)
    (export.directory / path).write_text(text)
    with pytest.raises(DirectoryError, match=said):
        export.plan()


def test_two_of_one_uuid(files):
    (files.directory / "mine/charts/twin.yaml").write_text(f"uuid: {CHART}")
    with pytest.raises(DirectoryError, match="is also that of"):
        files.plan()
