#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sync_status
short_description: Whether what CouchDB holds has arrived, and the models are fresh
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Asks CouchDB how many documents each database holds, and the warehouse how many of them it has, how far it is and since when,
    how the models' last runs went and what they still lack.
  - A CouchDB that cannot be asked is told with its source; all else is told all the same.
  - Reads only, and no documents.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.postgresql
  - cht.sync.feeds
options:
  timeout:
    description:
      - Seconds to wait for CouchDB.
    type: int
    default: 30
  count_timeout:
    description:
      - Seconds that counting the documents in PostgreSQL may take, which reads the whole table. Then they are not counted.
    type: int
    default: 300
  models_expected:
    description:
      - Whether it is a problem if dbt has not run yet.
    type: bool
    default: false
  max_age:
    description:
      - Seconds since the last call of a source's engine, above which the limit is passed. A source that was never called passes it.
    type: int
  max_pending:
    description:
      - Changes of a source still to come, above which the limit is passed.
    type: int
  max_model_lag:
    description:
      - Seconds that a change waits for a model, above which the limit is passed. So does a model that never succeeded, and if dbt has not run yet.
    type: int
  fail_when_exceeded:
    description:
      - Whether to fail if a limit is passed; the limits that are passed are returned in any case.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
"""

EXAMPLES = r"""
- name: Ask how things are, and fail if a model is more than an hour behind or an engine has not called for ten minutes
  cht.sync.sync_status:
    login_host: 127.0.0.1
    login_user: monitor
    login_password: "{{ cht_sync_monitor_password }}"
    login_db: cht_sync
    feeds: "{{ cht_sync_sources | cht.sync.feeds }}"
    passwords: "{{ dict(cht_sync_sources | map(attribute='name') | zip(cht_sync_sources | map(attribute='password'))) }}"
    max_age: 600
    max_model_lag: 3600
  register: status
"""

RETURN = r"""
sources:
  description: One entry a source.
  returned: always
  type: list
  elements: dict
  contains:
    source:
      description: Name of the source.
      type: str
    engine:
      description: The engine that feeds it; null where the database does not know the source.
      type: str
    couchdb:
      description: Documents in CouchDB, without design documents and deleted ones; null where it did not answer.
      type: int
    error:
      description: Why CouchDB could not be asked; null where it answered.
      type: str
    postgresql:
      description: Documents in PostgreSQL, without deleted ones; null where counting took too long.
      type: int
    deleted:
      description: Documents in PostgreSQL that are marked as deleted; null where counting took too long.
      type: int
    missing:
      description: Documents that PostgreSQL lacks, negative if it has too many; null where one side was not counted.
      type: int
    seq:
      description: The delivered position; null before the first call.
      type: str
    pending:
      description: Changes still to come, as CouchDB last reported; null where it reports none.
      type: int
    age:
      description: Seconds since the engine last called; null before the first call.
      type: float
    quarantined:
      description: Changes that could not land and wait for the operator.
      type: int
    collisions:
      description: Documents kept apart, since another document has their id.
      type: int
    replaced_age:
      description: Seconds since the database was found to be another one than before, under the same name; null if it never was.
      type: float
    in_step:
      description: Whether everything CouchDB holds has arrived.
      type: bool
    nearly:
      description: Whether so little is missing that it may be on its way.
      type: bool
in_step:
  description: Whether all sources are in step.
  returned: always
  type: bool
settling:
  description: Whether a source is not in step, but nearly, so that it may be worth asking again.
  returned: always
  type: bool
models:
  description: One entry a model of dbt; none where dbt has not run yet.
  returned: always
  type: list
  elements: dict
  contains:
    schema:
      description: Schema of the model.
      type: str
    model:
      description: Its name.
      type: str
    materialized:
      description: How dbt makes it, for example V(incremental) or V(view).
      type: str
    status:
      description: Result of its last run, V(success), V(error) or V(skipped); null if it never ran.
      type: str
    age:
      description: Seconds since its last run began; null if it never ran.
      type: float
    seconds:
      description: How long that took.
      type: float
    success_age:
      description: Seconds since its last successful run began.
      type: float
    lag:
      description: Seconds that the oldest change it lacks has waited; 0 if it lacks none; null for a view and if it never succeeded.
      type: float
failed_tests:
  description: Tests of the models that failed when they last ran; null if they never ran.
  returned: always
  type: int
notes:
  description: What keeps dashboards empty though all is well, with its remedy, as a variable that names a kind of contact which CHT does not have.
  returned: always
  type: list
  elements: str
problems:
  description: A sentence for each thing that is wrong, with its remedy.
  returned: always
  type: list
  elements: str
exceeded:
  description: A sentence for each limit that is passed.
  returned: always
  type: list
  elements: str
table:
  description: The same as lines of text for a terminal; the last ones say what is wrong and what to do, or that all is well.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _models, _postgres, _status, _status_report
from ansible_collections.cht.sync.plugins.module_utils._couchdb import CouchDBError, document_count, feeds_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_postgres.connection_argument_spec(),
            **feeds_argument_spec(),
            "timeout": {"type": "int", "default": 30},
            "count_timeout": {"type": "int", "default": 300},
            "models_expected": {"type": "bool", "default": False},
            "max_age": {"type": "int"},
            "max_pending": {"type": "int"},
            "max_model_lag": {"type": "int"},
            "fail_when_exceeded": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    _postgres.require_psycopg2(module)
    params = module.params
    before = {feed["source"]: _ask(feed, params) for feed in params["feeds"]}
    known, models, failed_tests, warnings = _read(module)
    sources = []
    for feed in params["feeds"]:
        count, error = before[feed["source"]]
        counts = []
        if error is None:
            again, error = _ask(feed, params)
            counts = [count, again] if error is None else []
        sources.append(_status.entry(feed["source"], counts, known, error))

    wrong = _status_report.problems(sources, models, failed_tests, params["models_expected"])
    exceeded = _status_report.exceeded(sources, models, params)
    in_step = all(row["in_step"] for row in sources)
    result = {
        "sources": sources,
        "in_step": in_step,
        "settling": not in_step and all(row["in_step"] or row["nearly"] for row in sources),
        "models": models,
        "failed_tests": failed_tests,
        "notes": warnings,
        "problems": wrong,
        "exceeded": exceeded,
        "table": [
            *_status_report.table(sources, models),
            "",
            *_status_report.notes(sources),
            *(f"NOTE: {note}" for note in warnings),
            *_status_report.verdict(sources, models, wrong),
        ],
    }
    if exceeded and params["fail_when_exceeded"]:
        module.fail_json(msg="Limits are passed: " + "; ".join(exceeded), **result)
    module.exit_json(changed=False, **result)


def _ask(feed, params):
    """Documents in CouchDB and why they are not known; one of both is None."""
    try:
        return document_count(feed, params["passwords"].get(feed["name"], ""), params["timeout"]), None
    except CouchDBError as error:
        return None, str(error)


def _read(module):
    """What the warehouse knows: sources, models, failed tests, and what keeps dashboards empty."""
    params = module.params
    try:
        connection = _postgres.connect(params)
    except _postgres.psycopg2.OperationalError as error:
        module.fail_json(msg=_postgres.connection_advice(params, error))
    try:
        return (_status.warehouse(connection, params["count_timeout"]), *_models.models(connection), _models.warnings(connection))
    except _postgres.psycopg2.Error as error:
        module.fail_json(msg=f"The warehouse does not tell its state: {str(error).strip()}. Run site.yml.")
    finally:
        connection.close()


if __name__ == "__main__":
    main()
