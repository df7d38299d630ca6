# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of a site's own forms, as the inventory names them."""

import shutil
from pathlib import Path

import pytest
import yaml
from cht_dbt.forms import FormError, add_forms

FORMS = "models/marts/tables/forms"
PROJECT = Path(__file__).parents[3] / "roles/dbt/files/project"


@pytest.fixture
def project(tmp_path):
    shutil.copytree(PROJECT / FORMS, tmp_path / FORMS)
    return tmp_path


def test_a_form_becomes_a_model_with_its_fields(project):
    add_forms(project, [{"form": "Child:Visit", "fields": [
        {"name": "weight", "field": "assessment.weight_g", "type": "integer"}, {"name": "bcg", "field": "vaccines", "selected": "bcg"},
        {"name": "place", "field": "place", "words": ["clinic", "outreach"]}]}])
    (model,) = yaml.safe_load((project / FORMS / "site_forms.yml").read_text())["models"]
    assert model["name"] == "form_child_visit"
    assert [column["name"] for column in model["columns"]] == [
        "uuid", "reported", "reported_day", "reported_month", "chw_uuid", "area_uuid", "facility_uuid", "household_uuid", "patient_uuid", "weight", "bcg",
        "place"]
    assert model["columns"][-3]["config"] == {"meta": {"field": "assessment.weight_g"}}
    assert model["columns"][-2] == {"name": "bcg", "data_type": "boolean", "description": "fields.vaccines",
                                    "config": {"meta": {"field": "vaccines", "selected": "bcg"}}}
    assert model["columns"][-1]["config"] == {"meta": {"field": "place", "words": ["clinic", "outreach"]}}
    assert "form_model('Child:Visit', 'form_child_visit')" in (project / FORMS / "form_child_visit.sql").read_text()


def test_no_form_changes_nothing(project):
    before = sorted(project.rglob("*"))
    add_forms(project, [])
    assert sorted(project.rglob("*")) == before


GOOD = {"name": "weight", "field": "weight", "type": "integer"}


@pytest.mark.parametrize(("entry", "words"), [
    ({"fields": [GOOD]}, "an entry without a form"),
    ({"form": "it's", "fields": [GOOD]}, "a form is a name as CHT has it"),
    ({"form": "delivery", "fields": [GOOD]}, "there is a model form_delivery already"),
    ({"form": "x", "fields": []}, "dbt_forms, x: names no fields"),
    ({"form": "x", "fields": [GOOD, GOOD]}, "more than one column would have the name weight"),
    ({"form": "x", "fields": [{**GOOD, "name": "uuid"}]}, "would have the name uuid"),
    ({"form": "x", "fields": [{**GOOD, "name": "Weight"}]}, "not 'Weight'"),
    ({"form": "x", "fields": [{**GOOD, "field": "a,b'"}]}, "weight needs a field"),
    ({"form": "x", "fields": [{"name": "weight"}]}, "weight needs a field"),
    ({"form": "x", "fields": [{"name": "weight", "field": "weight"}]}, "weight needs one of type, words"),
    ({"form": "x", "fields": [{**GOOD, "words": ["low"]}]}, "weight needs one of type, words"),
    ({"form": "x", "fields": [{**GOOD, "type": "number"}]}, "one of integer, boolean, date, not number"),
    ({"form": "x", "fields": [{"name": "bcg", "field": "given", "selected": "b c'"}]}, "no names of choices"),
    ({"form": "x", "fields": [{"name": "bcg", "field": "given", "words": ["yes", "n'o"]}]}, "no names of choices")])
def test_what_cannot_be_a_model_is_refused(project, entry, words):
    with pytest.raises(FormError, match="dbt_forms, ") as refused:
        add_forms(project, [entry])
    assert words in str(refused.value)
