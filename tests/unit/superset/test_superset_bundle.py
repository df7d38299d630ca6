# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: what is refused, naming file and field, and what is sent."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import yaml

from ansible_collections.cht.sync.plugins.module_utils import _superset_bundle as superset_bundle
from ansible_collections.cht.sync.plugins.module_utils import _superset_exchange as superset_exchange
from ansible_collections.cht.sync.plugins.module_utils._superset import SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_dashboards import converge
from ansible_collections.cht.sync.plugins.module_utils._superset_files import BundleError, read_layers

FILES = Path(__file__).resolve().parents[3] / "roles" / "superset" / "files"
OURS = sorted(path for path in [FILES / "datasets", *(FILES / "dashboards").iterdir()] if path.is_dir())


def parse(*layers):
    named = [{"source": f"layer{number}", "files": files} for number, files in enumerate(layers, 1)]
    return superset_bundle.parse_bundle(named)


def refusal(*layers):
    with pytest.raises(BundleError) as caught:
        parse(*layers)
    return str(caught.value)


def test_a_good_bundle(bundle):
    assets = parse(bundle.files())
    assert [asset.path for asset in assets] == sorted(bundle.contents)
    assert [asset.name for asset in assets] == ["Reports", "Reports", "rpt_data_record"]


@pytest.mark.parametrize("directory", OURS, ids=lambda path: path.name)
def test_our_own_files(directory):
    assert superset_bundle.parse_bundle(read_layers([str(directory)])["layers"])


@pytest.mark.parametrize(
    "path, spoil, said",
    [
        ("charts/reports.yaml", {"uuid": None}, "uuid must be a uuid"),
        ("charts/reports.yaml", {"uuid": "00000000-0000-4000-8000-00000000000A"}, "uuid must be a uuid in lower case"),
        ("charts/reports.yaml", {"version": 1.0}, 'version must be "1.0.0", it is 1.0'),
        ("charts/reports.yaml", {"viz_type": ""}, "viz_type must be a text that is not empty"),
        ("charts/reports.yaml", {"params": "{}"}, "params must be a mapping"),
        ("charts/reports.yaml", {"query_context": "{"}, "query_context must be text that holds JSON"),
        ("charts/reports.yaml", {"query_context": {}}, "query_context must be text that holds JSON"),
        ("datasets/reports.yaml", {"columns": None}, "columns must be a list"),
        ("datasets/reports.yaml", {"columns": [{"name": "form"}]}, "columns[0] must be a mapping with column_name"),
        ("datasets/reports.yaml", {"columns": [{"column_name": "a"}, {"column_name": "a"}]}, "columns[1]: column_name a appears twice"),
        ("datasets/reports.yaml", {"metrics": [{"metric_name": "a"}]}, "metrics[0] (a): expression is missing"),
        ("dashboards/reports.yaml", {"position": {"ROOT_ID": {"type": "ROOT", "children": ["CHART-z"]}}}, "position.ROOT_ID.children names CHART-z"),
        ("dashboards/reports.yaml", {"position": {"CHART-a": {"type": "CHART", "meta": {}}}}, "position.CHART-a.meta.uuid"),
        ("dashboards/reports.yaml", {"position": {"ROOT_ID": {"children": []}}}, "position.ROOT_ID.type is missing"),
        ("dashboards/reports.yaml", {"metadata": None}, "metadata must be a mapping"),
        ("dashboards/reports.yaml", {"metadata": {"expanded_slices": {"8": True}}}, "metadata.expanded_slices names 8"),
        ("dashboards/reports.yaml", {"metadata": {"timed_refresh_immune_slices": [8]}}, "metadata.timed_refresh_immune_slices names 8"),
    ],
)
def test_a_spoilt_field_is_named(bundle, path, spoil, said):
    bundle.contents[path].update(spoil)
    text = refusal(bundle.files())
    assert text.startswith(f"{path}: ") and said in text


@pytest.mark.parametrize(
    "path, field",
    [
        (path, field)
        for path, fields in {
            "datasets/reports.yaml": ["uuid", "version", "table_name", "database_uuid", "columns", "metrics"],
            "charts/reports.yaml": ["uuid", "version", "slice_name", "viz_type", "dataset_uuid", "params"],
            "dashboards/reports.yaml": ["uuid", "version", "dashboard_title", "position", "metadata"],
        }.items()
        for field in fields
    ],
)
def test_a_missing_field_is_named(bundle, path, field):
    del bundle.contents[path][field]
    text = refusal(bundle.files())
    assert text.startswith(f"{path}: {field}") or text.startswith(f"{path}: version must be")


def test_charts_of_a_dashboard_have_numbers_of_their_own(bundle):
    position = bundle.dashboard["position"]
    meta = {"chartId": 7, "uuid": "00000000-0000-4000-8000-00000000000b"}
    position["CHART-b"] = {**position["CHART-a"], "meta": meta}
    assert "position.CHART-b.meta.chartId must be a number that no other" in refusal(bundle.files())


def test_a_chart_that_is_not_there(bundle):
    bundle.dashboard["position"]["CHART-a"]["meta"]["uuid"] = "00000000-0000-4000-8000-000000000009"
    assert "dashboards/reports.yaml: position.CHART-a.meta.uuid" in refusal(bundle.files())


def test_a_filter_on_a_dataset_that_is_not_there(bundle):
    bundle.dashboard["metadata"]["native_filter_configuration"][0]["targets"][0]["datasetUuid"] = None
    assert "metadata.native_filter_configuration[0].targets: datasetUuid must be a uuid" in refusal(bundle.files())


def test_one_uuid_twice(bundle):
    bundle.contents["charts/twin.yaml"] = bundle.chart
    assert refusal(bundle.files()).startswith("charts/twin.yaml: uuid")


@pytest.mark.parametrize(
    "path, text, said",
    [
        ("charts/x.yaml", "a: [", "charts/x.yaml is not valid YAML"),
        ("charts/x.yaml", "- a", "charts/x.yaml must hold a YAML mapping"),
        ("charts/x.yaml", "day: 2026-01-01", "put it in quotes"),
        ("charts/x.yml", "a: 1", "charts/x.yml: a bundle holds *.yaml files in"),
        ("queries/x.yaml", "a: 1", "queries/x.yaml: a bundle holds"),
        ("charts.yaml", "a: 1", "charts.yaml: a bundle holds"),
        ("metadata.yaml", "version: 2.0.0", 'metadata.yaml: version must be "1.0.0"'),
    ],
)
def test_a_file_that_does_not_belong_there(bundle, path, text, said):
    assert said in refusal({**bundle.files(), path: text})


def test_charts_need_a_dashboard_and_datasets_do_not(bundle):
    del bundle.contents["dashboards/reports.yaml"]
    assert "no file in dashboards/" in refusal(bundle.files())
    del bundle.contents["charts/reports.yaml"]
    assert [asset.kind for asset in parse(bundle.files())] == ["datasets"]
    assert "layer1 holds no *.yaml file in databases, datasets, charts, dashboards" in refusal({})


def unpacked(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: yaml.safe_load(archive.read(name)) for name in archive.namelist()}


def test_the_zip_is_what_the_import_takes(bundle):
    assets = parse(bundle.files())
    packed = superset_exchange.build_zip(assets)
    assert packed == superset_exchange.build_zip(assets)
    files = unpacked(packed)
    assert set(files) == {"bundle/metadata.yaml", *(f"bundle/{path}" for path in bundle.contents)}
    assert files["bundle/metadata.yaml"] == {"version": "1.0.0", "type": "assets"}
    # An import leaves alone what is not named, so all is named.
    assert files["bundle/charts/reports.yaml"]["description"] is None
    assert files["bundle/datasets/reports.yaml"]["columns"][0]["filterable"] is True
    for path, content in bundle.contents.items():
        for key in content.keys() - {"columns", "metrics"}:
            assert files[f"bundle/{path}"][key] == content[key]


def test_two_files_of_one_name_both_are_sent(bundle):
    other = yaml.safe_dump({**bundle.chart, "uuid": "00000000-0000-4000-8000-000000000009", "slice_name": "Other"})
    files = unpacked(superset_exchange.build_zip(parse(bundle.files(), {"charts/reports.yaml": other})))
    assert files["bundle/charts/reports.yaml"]["slice_name"] == "Reports"
    assert files["bundle/charts/00000000-0000-4000-8000-000000000009.yaml"]["slice_name"] == "Other"


def test_an_export_is_read(bundle):
    found = superset_exchange.parse_export(superset_exchange.build_zip(parse(bundle.files())))
    assert sorted(asset.path for asset in found) == sorted(bundle.contents)


class FakeSuperset:
    """Keeps what is imported, and exports it."""

    @staticmethod
    def dashboard_url(name):
        return f"http://superset.example.org/{name}"

    @staticmethod
    def path_of(kind):
        return f"/{kind}/"

    def __init__(self, assets=()):
        self.assets = {asset.uuid: asset for asset in assets}
        self.imports = 0
        self.deaf = False
        # How many imports fail, each after it has taken everything.
        self.failures = 0

    def export_assets(self):
        return superset_exchange.build_zip(list(self.assets.values()))

    def import_assets(self, bundle, _passwords):
        self.imports += 1
        if not self.deaf:
            self.assets.update({asset.uuid: asset for asset in superset_exchange.parse_export(bundle)})
        if self.failures:
            self.failures -= 1
            raise SupersetError("no reason", 500)

    def find(self, _kind, uuid):
        return uuid if uuid in self.assets else None

    def delete(self, path):
        del self.assets[path.split("/")[2]]


@pytest.fixture
def superset():
    return FakeSuperset(
        [
            superset_bundle.Asset(
                "databases",
                "databases/w.yaml",
                {"uuid": "00000000-0000-4000-8000-000000000001", "database_name": "w", "sqlalchemy_uri": "x://"},
            )
        ]
    )


def run(superset, bundle, dry_run=False):
    return converge(superset, parse(bundle.files()), {}, dry_run)


def test_create_then_nothing_then_update(superset, bundle):
    outcome = run(superset, bundle, dry_run=True)
    assert outcome["changed"] and superset.imports == 0
    found = run(superset, bundle)["differences"]
    assert [(entry["file"], entry["field"]) for entry in found] == [(path, "") for path in sorted(bundle.contents)]
    assert not run(superset, bundle)["changed"] and superset.imports == 1
    bundle.chart["slice_name"] = "Other"
    outcome = run(superset, bundle)
    assert outcome["differences"] == [
        {
            "kind": "chart",
            "title": "Other",
            "uuid": bundle.chart["uuid"],
            "file": "charts/reports.yaml",
            "field": "slice_name",
            "before": "Reports",
            "after": "Other",
        }
    ]
    who = 'chart "Other" (charts/reports.yaml)'
    assert outcome["diff"] == {"before": {who: {"slice_name": "Reports"}}, "after": {who: {"slice_name": "Other"}}}
    assert not run(superset, bundle)["changed"]


def test_an_import_without_effect_is_no_success(superset, bundle):
    superset.deaf = True
    with pytest.raises(Exception, match=r'still differs from it in: chart "Reports" \(charts/reports.yaml\) is new'):
        run(superset, bundle)


def test_what_a_failed_import_did_is_undone(superset, bundle):
    run(superset, bundle)
    before = superset.export_assets()
    bundle.chart["slice_name"] = "Other"
    bundle.contents["charts/new.yaml"] = {**bundle.chart, "uuid": "00000000-0000-4000-8000-00000000000a", "slice_name": "New"}
    superset.failures = 1
    with pytest.raises(SupersetError) as caught:
        run(superset, bundle)
    assert superset.export_assets() == before
    said = 'no reason. What it did before that was undone: chart "New" (charts/new.yaml), chart "Other" (charts/reports.yaml)'
    assert str(caught.value).startswith(said)


def test_what_cannot_be_undone_is_told(superset, bundle):
    run(superset, bundle)
    bundle.chart["slice_name"] = "Other"
    superset.failures = 2
    with pytest.raises(SupersetError, match="no reason. What it changed before that could not be undone: no reason"):
        run(superset, bundle)


def test_nothing_to_undo_is_told(superset, bundle):
    superset.failures, superset.deaf = 1, True
    with pytest.raises(SupersetError, match="no reason. Nothing was changed."):
        run(superset, bundle)


def test_a_password_that_no_export_holds_is_told(superset, bundle):
    bundle.contents["databases/w.yaml"] = {
        "database_name": "w", "sqlalchemy_uri": "x://", "uuid": bundle.dataset["database_uuid"], "version": "1.0.0"
    }
    superset.failures = 1
    with pytest.raises(SupersetError, match=r'Only the password of connection "w" \(databases/w.yaml\) may be'):
        converge(superset, parse(bundle.files()), {"databases/w.yaml": "new"}, dry_run=False)


def test_a_connection_that_is_not_there(bundle):
    with pytest.raises(BundleError, match="datasets/reports.yaml: Superset has no database connection"):
        run(FakeSuperset(), bundle)


@pytest.mark.parametrize("path, field", [("charts/reports.yaml", "dataset_uuid"), ("dashboards/reports.yaml", "datasetUuid")])
def test_a_dataset_may_be_in_superset_only(superset, bundle, path, field):
    run(superset, bundle)
    dataset = bundle.contents.pop("datasets/reports.yaml")
    bundle.chart["slice_name"] = "Other"
    assert run(superset, bundle)["changed"]
    text = bundle.files()[path].replace(dataset["uuid"], "00000000-0000-4000-8000-000000000009")
    with pytest.raises(BundleError, match=f"{path}: .*{field} .*9 is in no file of datasets/, and not in Superset either"):
        converge(superset, parse({**bundle.files(), path: text}), {}, False)


@pytest.mark.parametrize(
    "path, said", [("dashboards/reports.yaml", "slug is also that of"), ("datasets/reports.yaml", "table_name is also")]
)
def test_what_another_object_has_already(superset, bundle, path, said):
    run(superset, bundle)
    text = json.dumps(bundle.contents).replace(bundle.contents[path]["uuid"], "00000000-0000-4000-8000-00000000000a")
    bundle.contents = json.loads(text)
    with pytest.raises(BundleError, match=f"{path}: .*{said}"):
        run(superset, bundle)
    assert superset.imports == 1
