# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last of all: the machine has other secrets than its inventory afterwards."""

import re

import pytest
from stack import changed_by, killed_playbook, machine, playbook, secrets, until

pytestmark = pytest.mark.one

SECRET_KEY = "another-secret-key-0123456789abcdefghijkl"


def test_supersets_secret_key_is_changed_and_what_it_stored_still_works():
    only = ("--tags", "superset_configure,superset_service")
    changed = ("-e", f"superset_secret_key={SECRET_KEY}")
    refused = playbook("site", *only, *changed)
    assert refused.returncode != 0 and "give that old value as superset_previous_secret_key" in " ".join(refused.stdout.split())
    done = playbook("site", *only, *changed, "-e", f"superset_previous_secret_key={secrets()['superset_secret_key']}")
    assert done.returncode == 0, done.stdout[-3000:]
    # Each run tries the stored connections, and stores one that does not work anew.
    results = dict(re.findall(r"TASK \[cht.sync.superset : (.+?)\] \*+\n(\w+):", done.stdout))
    assert results["Encrypt them"] == "changed" and results["Connect Superset to the warehouse"] == "ok", results
    assert not machine("superset").file("/etc/cht-sync/superset/previous-secret-key").exists


def test_changed_secrets_are_rotated_everywhere_and_shown_nowhere(couchdb, warehouse):
    new = {name: f"rotated{position}" + "0123456789abcdefghijklmnopqrstuvwxyz" for position, name in enumerate(secrets())}
    new["couchdb_demo_password"] = secrets()["couchdb_demo_password"]  # CouchDB's own
    new["superset_secret_key"] = SECRET_KEY  # guarded: it has a way of its own, above
    given = [word for name, value in new.items() for word in ("-e", f"{name}={value}")]
    # The worst moment of a power cut: PostgreSQL has the new passwords, and nobody else has.
    killed_playbook("site", "The sync", *given)
    done = playbook("site", "-vvv", "--diff", *given)
    assert {"Configure PostgREST", "Configure the relay", "Configure the runs of dbt", "Configure Superset"} <= {
        name.split(" : ")[-1] for name in changed_by(done)
    }
    for values in (new, secrets()):
        for name, value in values.items():
            assert value not in done.stdout.replace(f"-e {name}={value}", ""), f"{name} is in the output"
    assert "NOT WELL" not in done.stdout
    id_ = couchdb.write()
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{id_}'"), 60, "arrival with the new secrets")
