# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents agree with each other, and there is enough of everything for the dashboards."""

from collections import Counter
from datetime import date, datetime, timezone

FORMS = {
    "pregnancy", "pregnancy_home_visit", "pregnancy_facility_visit_reminder", "pregnancy_danger_sign",
    "pregnancy_danger_sign_follow_up", "delivery", "pnc_danger_sign_follow_up_mother", "pnc_danger_sign_follow_up_baby",
    "death_report", "undo_death_report", "replace_user"}


def of_type(medic, kind):
    return [document for document in medic.values() if document.get("type") == kind]


def day_of(document):
    return datetime.fromtimestamp(document["reported_date"] / 1000, tz=timezone.utc).date()


def pregnancy_uuid(report):
    return report["fields"]["data"]["meta"]["__pregnancy_uuid"]


def strings_only(value):
    if isinstance(value, dict):
        return all(strings_only(member) for member in value.values())
    if isinstance(value, list):
        return all(strings_only(member) for member in value)
    return isinstance(value, str)


def test_every_parent_exists_and_is_of_the_right_kind(medic):
    parents = {"clinic": {"health_center"}, "health_center": {"district_hospital"},
               "person": {"clinic", "health_center", "district_hospital"}}
    for document in medic.values():
        if document.get("type") in parents:
            parent = document["parent"]
            assert medic[parent["_id"]]["type"] in parents[document["type"]]
            lineage = medic[parent["_id"]].get("parent")
            assert parent.get("parent") == lineage


def test_every_place_has_a_living_document_as_its_contact(medic):
    for kind in ("district_hospital", "health_center", "clinic"):
        for place in of_type(medic, kind):
            assert medic[place["contact"]["_id"]]["type"] == "person"


def test_the_contact_of_an_area_is_its_chw(medic):
    for area in of_type(medic, "health_center"):
        chw = medic[area["contact"]["_id"]]
        assert chw["role"] == "chw"
        assert chw["parent"]["_id"] == area["_id"]


def test_every_report_names_a_chw_of_its_area_and_an_existing_patient(medic, reports):
    for documents in reports.values():
        for report in documents:
            author = medic[report["contact"]["_id"]]
            assert author["parent"]["_id"] == report["contact"]["parent"]["_id"]
            assert report["contact"]["parent"]["parent"]["_id"] == medic[author["parent"]["_id"]]["parent"]["_id"]
            assert report["reported_date"] >= author["reported_date"]
            if report["form"] != "replace_user":
                patient = medic[report["fields"]["patient_uuid"]]
                assert patient["patient_id"] == report["fields"]["patient_id"]
                assert patient["reported_date"] <= report["reported_date"]
                area = medic[patient["parent"]["_id"]]["parent"]["_id"]
                assert area == report["contact"]["parent"]["_id"]


def test_all_values_in_fields_are_strings(reports):
    for documents in reports.values():
        for report in documents:
            assert strings_only(report["fields"]), report["form"]


def test_patient_ids_are_unique(medic):
    ids = [person["patient_id"] for person in of_type(medic, "person")]
    assert len(ids) == len(set(ids))


def test_all_forms_are_there(reports):
    assert set(reports) == FORMS
    least = {"pregnancy": 250, "pregnancy_home_visit": 800, "delivery": 100, "pregnancy_danger_sign": 15,
             "pregnancy_danger_sign_follow_up": 50, "pregnancy_facility_visit_reminder": 200, "death_report": 25,
             "undo_death_report": 1, "replace_user": 1, "pnc_danger_sign_follow_up_mother": 3,
             "pnc_danger_sign_follow_up_baby": 3}
    for form, number in least.items():
        assert len(reports[form]) >= number, form


def test_pregnancies_follow_the_calendar(reports):
    for report in reports["pregnancy"]:
        fields = report["fields"]
        method = fields["gestational_age"]["register_method"]["lmp_method"]
        if method == "method_none":
            assert fields["lmp_date_8601"] == fields["edd_8601"] == ""
            continue
        lmp, edd = date.fromisoformat(fields["lmp_date_8601"]), date.fromisoformat(fields["edd_8601"])
        assert (edd - lmp).days == 280
        assert lmp < day_of(report)
        assert int(fields["days_since_lmp"]) == (day_of(report) - lmp).days
    assert {report["fields"]["gestational_age"]["register_method"]["lmp_method"] for report in reports["pregnancy"]} == {
        "method_lmp", "method_approx", "method_edd", "method_none"}


def test_later_reports_belong_to_a_pregnancy_of_the_same_woman(medic, reports):
    for form in ("pregnancy_home_visit", "pregnancy_facility_visit_reminder", "pregnancy_danger_sign",
                 "pregnancy_danger_sign_follow_up", "delivery"):
        for report in reports[form]:
            pregnancy = medic[pregnancy_uuid(report)]
            assert pregnancy["form"] == "pregnancy"
            assert pregnancy["fields"]["patient_uuid"] == report["fields"]["patient_uuid"]
            assert pregnancy["reported_date"] < report["reported_date"]


def test_each_pregnancy_ends_once_and_nothing_follows(reports):
    ends = {}
    for report in reports["delivery"]:
        assert pregnancy_uuid(report) not in ends
        ends[pregnancy_uuid(report)] = date.fromisoformat(report["fields"]["delivery_outcome"]["delivery_date"])
    for report in reports["pregnancy_home_visit"]:
        if report["fields"]["pregnancy_summary"]["visit_option"] != "yes":
            assert pregnancy_uuid(report) not in ends
            ends[pregnancy_uuid(report)] = day_of(report)
    for form in ("pregnancy_home_visit", "pregnancy_facility_visit_reminder", "pregnancy_danger_sign",
                 "pregnancy_danger_sign_follow_up"):
        for report in reports[form]:
            end = ends.get(pregnancy_uuid(report))
            assert end is None or day_of(report) <= end


def test_deliveries_and_their_babies(medic, reports):
    stillbirths = babies = 0
    for report in reports["delivery"]:
        fields = report["fields"]
        outcome = fields["delivery_outcome"]
        born = date.fromisoformat(outcome["delivery_date"])
        lmp = medic[pregnancy_uuid(report)]["fields"]["lmp_date_8601"]
        assert born <= day_of(report)
        if lmp:
            assert 180 <= (born - date.fromisoformat(lmp)).days <= 310
        alive = fields["babys_condition"].get("baby_repeat", [])
        dead = fields["baby_death"].get("baby_death_repeat", [])
        assert int(outcome["babies_alive_num"]) == len(alive)
        assert int(outcome["babies_deceased_num"]) == len(dead)
        assert int(outcome["babies_delivered_num"]) == len(alive) + len(dead)
        stillbirths += sum(entry["stillbirth"] == "yes" for entry in dead)
        for entry in alive:
            baby = medic[entry["baby_details"]["child_doc"]]
            assert baby["created_by_doc"] == report["_id"]
            assert baby["date_of_birth"] == outcome["delivery_date"]
            assert baby["parent"] == medic[fields["patient_uuid"]]["parent"]
            babies += 1
    assert babies > 100
    assert stillbirths >= 2
    places = Counter(report["fields"]["delivery_outcome"]["delivery_place"] for report in reports["delivery"])
    modes = Counter(report["fields"]["delivery_outcome"]["delivery_mode"] for report in reports["delivery"])
    assert set(places) == {"health_facility", "home", "other"}
    assert set(modes) == {"vaginal", "cesarean"}
    visits = {visit for report in reports["delivery"] for visit in report["fields"]["pnc_visits"]["pnc_visits_attended"].split()}
    assert {"within_24_hrs", "3_days", "7_days", "none"} <= visits


def test_follow_ups_name_their_delivery(medic, reports):
    for form in ("pnc_danger_sign_follow_up_mother", "pnc_danger_sign_follow_up_baby"):
        for report in reports[form]:
            delivery = medic[report["fields"]["inputs"]["delivery_uuid"]]
            assert delivery["form"] == "delivery"
            assert delivery["reported_date"] < report["reported_date"]


def test_deaths_are_marked_unless_withdrawn(medic, reports):
    undone = {report["fields"]["patient_uuid"] for report in reports["undo_death_report"]}
    for report in reports["death_report"]:
        person = medic[report["fields"]["patient_uuid"]]
        if person["_id"] in undone:
            assert "date_of_death" not in person
        else:
            assert person["date_of_death"] == report["fields"]["death_details"]["date_of_death"]
    assert undone


def test_nobody_reports_on_the_dead(medic, reports):
    for documents in reports.values():
        for report in documents:
            person = medic.get(report["fields"].get("patient_uuid", ""))
            if person and "date_of_death" in person and report["form"] not in ("death_report", "delivery"):
                assert day_of(report).isoformat() <= person["date_of_death"]


def test_deaths_of_newborns_children_and_mothers(medic, reports):
    ages = [(date.fromisoformat(person["date_of_death"]) - date.fromisoformat(person["date_of_birth"])).days
            for person in of_type(medic, "person") if "date_of_death" in person]
    assert sum(age < 29 for age in ages) >= 2
    assert sum(29 <= age < 1827 for age in ages) >= 1
    assert 20 <= len(ages) <= 100
    maternal = 0
    for report in reports["delivery"]:
        mother = medic[report["fields"]["patient_uuid"]]
        if "date_of_death" in mother:
            born = date.fromisoformat(report["fields"]["delivery_outcome"]["delivery_date"])
            maternal += 0 <= (date.fromisoformat(mother["date_of_death"]) - born).days <= 42
    assert 1 <= maternal <= 10


def test_active_early_teen_and_due_pregnancies(medic, reports, today):
    ended = {pregnancy_uuid(report) for report in reports["delivery"]}
    ended |= {pregnancy_uuid(report) for report in reports["pregnancy_home_visit"]
              if report["fields"]["pregnancy_summary"]["visit_option"] in ("miscarriage", "abortion")}
    known = [report for report in reports["pregnancy"] if report["fields"]["lmp_date_8601"]]
    active = [report for report in known if report["_id"] not in ended
              and (today - date.fromisoformat(report["fields"]["lmp_date_8601"])).days <= 294]
    assert len(active) >= 60
    assert sum(0 <= (date.fromisoformat(report["fields"]["edd_8601"]) - today).days <= 30 for report in active) >= 5
    weeks = [int(report["fields"]["weeks_since_lmp_rounded"]) for report in known]
    assert 0.25 < sum(week < 12 for week in weeks) / len(weeks) < 0.6
    assert sum(week > 24 for week in weeks) > 20
    assert sum(10 <= int(report["fields"]["patient_age_in_years"]) <= 19 for report in known) >= 15
    options = {report["fields"]["pregnancy_summary"]["visit_option"] for report in reports["pregnancy_home_visit"]}
    assert {"yes", "miscarriage", "refused", "migrated"} <= options
    assert {report["fields"]["lmp_updated"] for report in reports["pregnancy_home_visit"]} == {"yes", "no"}
    attended = {report["fields"]["anc_visits_hf"]["anc_visits_hf_past"]["last_visit_attended"]
                for report in reports["pregnancy_home_visit"]}
    assert attended == {"", "yes", "no"}
    for form, group, member in (("pregnancy", "risk_factors", "r_risk_factor_present"),
                                ("pregnancy", "danger_signs", "r_danger_sign_present"),
                                ("pregnancy_danger_sign_follow_up", "danger_signs", "visit_confirm")):
        assert {report["fields"][group][member] for report in reports[form]} == {"yes", "no"}


def test_hierarchy_and_population(medic, today):
    kinds = Counter(document.get("type") for document in medic.values())
    assert kinds["district_hospital"] >= 4
    assert 30 <= kinds["health_center"] <= 60
    assert kinds["clinic"] > 400
    ages = [(today - date.fromisoformat(person["date_of_birth"])).days // 365 for person in of_type(medic, "person")]
    for low, high in ((0, 1), (1, 5), (5, 15), (15, 25), (25, 50), (50, 60), (60, 100)):
        assert sum(low <= age < high for age in ages) >= 20, (low, high)
    assert sum("muted" in person for person in of_type(medic, "person")) >= 10


def test_chws_differ_and_some_are_silent(medic, reports, today):
    last, count = {}, Counter()
    for documents in reports.values():
        for report in documents:
            area = report["contact"]["parent"]["_id"]
            last[area] = max(last.get(area, date.min), day_of(report))
            count[area] += 1
    silence = [(today - day).days for day in last.values()]
    assert sum(30 <= days <= 75 for days in silence) >= 2
    assert sum(days <= 14 for days in silence) >= 20
    assert max(count.values()) > 4 * min(count.values())


def test_tasks(medic, today):
    tasks = of_type(medic, "task")
    states = Counter(task["state"] for task in tasks)
    assert set(states) == {"Draft", "Ready", "Cancelled", "Completed", "Failed"}
    assert min(states.values()) >= 20
    assert sum(task["state"] == "Ready" and task["emission"]["dueDate"] < today.isoformat() for task in tasks) >= 10
    assert sum(task["state"] == "Ready" and task["emission"]["dueDate"] >= today.isoformat() for task in tasks) >= 10
    for task in tasks:
        assert task["_id"].startswith(f"task~{task['user']}~{task['emission']['_id']}~")
        assert task["user"] in medic
        assert task["requester"] in medic
        assert medic[task["owner"]]["type"] == "person"
        assert task["owner"] == task["emission"]["forId"]
        assert task["stateHistory"][-1]["state"] == task["state"]
        moments = [entry["timestamp"] for entry in task["stateHistory"]]
        assert moments == sorted(moments)
        assert moments[0] >= medic[task["requester"]]["reported_date"]
        assert task["emission"]["startDate"] <= task["emission"]["dueDate"] <= task["emission"]["endDate"]


def test_tasks_are_completed_by_edits(instance):
    loaded = {document["_id"]: document for document in instance.documents("medic")}
    completed = [task for task in instance.edits("medic", 1) if task.get("type") == "task"]
    assert len(completed) >= 20
    for task in completed:
        assert (loaded[task["_id"]]["state"], task["state"]) == ("Ready", "Completed")


def test_targets(medic):
    targets = of_type(medic, "target")
    per_chw = Counter(target["owner"] for target in targets)
    assert len(per_chw) >= 30
    assert max(per_chw.values()) >= 12
    for target in targets:
        assert target["_id"] == f"target~{target['reporting_period']}~{target['owner']}~{target['user']}"
        assert medic[target["owner"]]["role"] == "chw"
        assert medic[target["user"]]["contact_id"] == target["owner"]
        for entry in target["targets"]:
            assert entry["value"]["pass"] <= entry["value"]["total"]
    assert any(entry["goal"] > 0 and entry["value"]["pass"] >= entry["goal"] for target in targets for entry in target["targets"])


def test_targets_agree_with_the_reports(medic, reports):
    registered = Counter()
    for report in reports["pregnancy"]:
        if report["fields"]["lmp_date_8601"]:
            registered[report["contact"]["parent"]["_id"], day_of(report).isoformat()[:7]] += 1
    for target in of_type(medic, "target"):
        value = next(entry["value"]["pass"] for entry in target["targets"] if entry["id"] == "pregnancy-registrations-this-month")
        area = medic[target["owner"]]["parent"]["_id"]
        assert value >= registered[area, target["reporting_period"]]


def test_users(medic):
    users = of_type(medic, "user-settings")
    kinds = {type(user["facility_id"]) for user in users if "facility_id" in user}
    assert kinds == {str, list}
    for user in users:
        assert user["_id"] == f"org.couchdb.user:{user['name']}"
        places = user.get("facility_id", [])
        for place in [places] if isinstance(places, str) else places:
            assert place in medic
        if "contact_id" in user:
            assert medic[user["contact_id"]]["type"] == "person"
    assert sum(user["roles"] == ["chw"] for user in users) >= 30


def test_configuration_documents(medic):
    assert "settings" in medic and "resources" in medic and "_design/medic" in medic
    assert {f"form:{form}" for form in FORMS} <= set(medic)
    kinds = [kind["id"] for kind in medic["settings"]["settings"]["contact_types"]]
    assert kinds == ["district_hospital", "health_center", "clinic", "person"]


def test_infos(medic, final):
    infos = [document for document in final["medic-sentinel"].values() if document.get("type") == "info"]
    expected = {doc_id for doc_id, document in medic.items() if document.get("type") in (
        "person", "clinic", "health_center", "district_hospital", "data_record")}
    assert {info["doc_id"] for info in infos} == expected
    delays, kinds = [], Counter()
    for info in infos:
        assert info["_id"] == f"{info['doc_id']}-info"
        value = info["initial_replication_date"]
        kinds["unknown" if value == "unknown" else type(value).__name__] += 1
        if isinstance(value, int):
            delays.append((value - medic[info["doc_id"]]["reported_date"]) / 60000)
            assert info["latest_replication_date"] >= value
    assert set(kinds) == {"int", "str", "unknown"}
    assert min(kinds.values()) >= 50
    assert min(delays) >= 0
    assert sum(delay < 60 for delay in delays) > 100
    assert sum(delay > 24 * 60 for delay in delays) > 100


def test_devices(final):
    telemetry = [document for document in final["medic-users-meta"].values() if document.get("type") == "telemetry"]
    assert sum("year" not in document["metadata"] for document in telemetry) == 1
    assert len({document["metadata"]["versions"]["app"] for document in telemetry}) >= 3
    assert len({document["device"]["deviceInfo"]["software"]["androidVersion"] for document in telemetry}) >= 3
    assert len({document["device"]["deviceInfo"]["app"]["version"] for document in telemetry}) >= 2
    low = {document["metadata"]["deviceId"] for document in telemetry
           if document["device"]["deviceInfo"]["storage"]["free"] <= 250 * 1024 * 1024}
    assert 2 <= len(low) <= 15
    crowded = {document["metadata"]["deviceId"] for document in telemetry if document["dbInfo"]["doc_count"] > 10000}
    assert len(crowded) == 1
    for document in telemetry:
        assert document["metrics"]["boot_time"]["count"] >= 1


def test_feedback(final, medic):
    feedback = [document for document in final["medic-users-meta"].values() if document.get("type") == "feedback"]
    assert len(feedback) >= 100
    assert len({document["info"]["cause"] for document in feedback}) >= 5
    assert len({document["meta"]["time"][:10] for document in feedback}) >= 40
    for document in feedback:
        assert f"org.couchdb.user:{document['meta']['user']['name']}" in medic


def test_a_replaced_chw_hands_over(medic, reports):
    for report in reports["replace_user"]:
        old, new = report["fields"]["patient_id"], report["fields"]["replacement_contact_id"]
        area = medic[report["contact"]["parent"]["_id"]]
        assert area["contact"]["_id"] == new != old
        by = Counter(other["contact"]["_id"] for documents in reports.values() for other in documents)
        assert by[old] > 0 and by[new] > 0
        for documents in reports.values():
            for other in documents:
                if other["contact"]["_id"] == old:
                    assert other["reported_date"] <= report["reported_date"] + 3_600_000
