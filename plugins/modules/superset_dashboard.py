#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: superset_dashboard
short_description: Keep a dashboard in Superset equal to a directory of YAML
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Creates or updates a dashboard with its charts and datasets from files in the form of Superset's own export, so that
    dashboards live under version control.
  - Compares by meaning with what Superset has, and imports only on a difference. Objects that the files do not name are
    never touched.
  - What somebody changed in Superset by hand goes back to what the files say, or, where O(record) remembers what was
    imported last, is told and kept. See O(on_drift).
  - The files are checked before anything is sent; messages name file and field. What an import that fails in Superset
    did before is undone.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.superset
options:
  state:
    description:
      - V(present) brings all objects of the bundle into Superset.
      - V(absent) deletes the objects of the bundle that nothing else in Superset uses - the dashboard, charts that no other
        dashboard shows, datasets that no other chart or filter reads, and connections that no other dataset uses.
    type: str
    choices: [absent, present]
    default: present
  uuid:
    description:
      - With O(state=absent), the dashboard to delete where its files are gone. Its charts stay.
    type: str
  src:
    description:
      - Directory with C(dashboards/*.yaml), C(charts/*.yaml), C(datasets/**/*.yaml) and, if it brings its own connections,
        C(databases/*.yaml); or a ZIP file of such files, as Superset's own export is one. A bundle may hold datasets alone.
      - What a file names by uuid and no file holds must be in Superset - the datasets of charts and filters, and the
        connections of datasets.
      - Several lie over one another. Of two objects of one kind and uuid the later one is taken, whatever their files' names.
      - Where there is one dashboard, a chart that its C(position) does not name is put into rows of three at its end (of the
        last tab, if it has tabs). A chart of an earlier directory than the dashboard's own file is left out instead.
      - Read on the controller, relative paths in the role's C(files), unless O(remote_src=true).
    type: list
    elements: path
  remote_src:
    description:
      - Whether O(src) lies on the target.
    type: bool
    default: false
  bundle:
    description:
      - What the action plugin read from O(src). Not for use in playbooks.
    type: dict
  database_passwords:
    description:
      - Passwords of new connections in C(databases/), by path, for example C(databases/warehouse.yaml).
    type: dict
    default: {}
  record:
    description:
      - File on the target, one for each bundle, that remembers what was imported last. It holds no passwords. Its directory
        must be there.
      - Without it a change that somebody made in Superset cannot be told from one of the bundle.
    type: path
  on_drift:
    description:
      - What to do where Superset holds something that is neither of this bundle nor of what O(record) says was imported last.
        Before the first run with O(record) nothing is known to be imported, so anything that is there and differs counts.
      - V(report) warns with file and field, and imports nothing of the bundle.
      - V(overwrite) imports what the files say.
      - An object that somebody deleted is made anew either way.
    type: str
    choices: [overwrite, report]
    default: overwrite
requirements:
  - PyYAML (Debian package C(python3-yaml)) on the machine the module runs on
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the fields that differ, without numbers and defaults of the server.
notes:
  - Charts need no C(query_context). The browser makes it from C(params), and stores it with a chart that somebody saves; this is
    no difference as long as the chart's file has none.
seealso:
  - module: cht.sync.superset_database
  - module: cht.sync.superset_dashboard_info
"""

EXAMPLES = r"""
- name: Deploy a dashboard
  cht.sync.superset_dashboard:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    src: dashboards/reports

- name: Deploy it with charts of one's own, and keep what somebody changed in the browser
  cht.sync.superset_dashboard:
    url: https://dashboards.example.org
    username: admin
    password: "{{ superset_admin_password }}"
    ca_path: /etc/ssl/certs/ca-certificates.crt
    src:
      - dashboards/reports
      - "{{ inventory_dir }}/dashboards/reports"
    record: /var/lib/dashboards/reports.json
    on_drift: report

- name: Show what would change, somebody's changes by hand included
  cht.sync.superset_dashboard:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    src: dashboards/reports
  check_mode: true
  diff: true

- name: Delete a dashboard whose files are gone
  cht.sync.superset_dashboard:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    uuid: 5c0a1d0e-6f0b-4d57-9d0c-1f1c37b6a301
    state: absent
"""

RETURN = r"""
differences:
  description: The fields in which Superset differed from the bundle, before.
  returned: with O(state=present)
  type: list
  elements: dict
  sample:
    - kind: chart
      title: Reports by day
      uuid: 8a1c5c7e-6e6a-4f0c-8f0a-3c1d2b9f6a10
      file: charts/reports_by_day.yaml
      field: params.time_grain_sqla
      before: P1W
      after: P1D
  contains: &difference
    kind:
      description: Kind of the object, C(dashboard), C(chart), C(dataset) or C(connection).
      type: str
    title:
      description: What people know it by.
      type: str
    uuid:
      description: Its uuid.
      type: str
    file:
      description: Its file in the bundle.
      type: str
    field:
      description: The field, with dots between the keys that lead to it. Empty for an object that is new.
      type: str
    before:
      description: What Superset held; null where that is nothing, a list, a mapping or long.
      type: raw
    after:
      description: What the bundle says; null likewise.
      type: raw
drift:
  description:
    - The fields that somebody changed in Superset since the last import, with what was imported as C(before) and what
      Superset holds as C(after).
  returned: with O(state=present)
  type: list
  elements: dict
  contains: *difference
dashboards:
  description: The dashboards of the bundle.
  returned: with O(state=present)
  type: list
  elements: dict
  contains:
    uuid:
      description: Its uuid.
      type: str
    title:
      description: Its title.
      type: str
    url:
      description: Where to look at it.
      type: str
deleted:
  description: The objects that were deleted.
  returned: with O(state=absent)
  type: list
  elements: str
  sample: ['dashboard "Reports" (dashboards/reports.yaml)']
kept:
  description: The objects that something else uses.
  returned: with O(state=absent)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _superset
from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests
from ansible_collections.cht.sync.plugins.module_utils._superset_absent import remove
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_dashboards import ConvergeError, converge
from ansible_collections.cht.sync.plugins.module_utils._superset_drift import Record, RecordError
from ansible_collections.cht.sync.plugins.module_utils._superset_files import BundleError, read_layers
from ansible_collections.cht.sync.plugins.module_utils._yaml import require_yaml, yaml


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_superset.connection_argument_spec(),
            "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
            "src": {"type": "list", "elements": "path"},
            "uuid": {"type": "str"},
            "remote_src": {"type": "bool", "default": False},
            "bundle": {"type": "dict"},
            "database_passwords": {"type": "dict", "default": {}, "no_log": True},
            "record": {"type": "path"},
            "on_drift": {"type": "str", "choices": ["overwrite", "report"], "default": "overwrite"},
        },
        required_if=[
            ("state", "present", ["src"]),
            ("state", "absent", ["src", "uuid"], True),
            ("on_drift", "report", ["record"]),
        ],
        mutually_exclusive=[("src", "uuid")],
        supports_check_mode=True,
    )
    require_requests(module)
    require_yaml(module)
    try:
        if module.params["state"] == "present":
            present(module)
        absent(module)
    except BundleError as error:
        module.fail_json(msg=f"{', '.join(module.params['src'])}: {error}")
    except (_superset.SupersetError, ConvergeError, RecordError) as error:
        module.fail_json(msg=str(error))


def present(module: AnsibleModule) -> None:
    """Ends the module."""
    params = module.params
    assets = assets_of(params)
    record = Record(params["record"]) if params["record"] else None
    keep_drift = params["on_drift"] == "report"
    outcome = converge(
        _superset.Superset(params), assets, params["database_passwords"], module.check_mode, record, keep_drift
    )
    lines = outcome.pop("drift_lines")
    if lines and keep_drift:
        module.warn(
            "Somebody changed in Superset what this bundle brings, so nothing of it was imported. Take the changes into its "
            "files, or overwrite them with on_drift=overwrite. What was imported -> what is there now:\n" + "\n".join(lines)
        )
    module.exit_json(**{**outcome, "diff": {side: as_text(objects) for side, objects in outcome["diff"].items()}})


def absent(module: AnsibleModule) -> None:
    """Ends the module."""
    params = module.params
    if params["uuid"]:
        files = {("dashboards", params["uuid"]): params["uuid"]}
    else:
        files = {asset.key: asset.file for asset in assets_of(params)}
    outcome = remove(_superset.Superset(params), files, dry_run=module.check_mode)
    if params["record"] and not module.check_mode:
        Record(params["record"]).forget()
    module.exit_json(**outcome)


def assets_of(params: dict) -> list:
    """The objects of the bundle."""
    return parse_bundle((params["bundle"] or read_layers(params["src"]))["layers"])


def as_text(objects: dict) -> str:
    """YAML for people."""
    return yaml.safe_dump(objects, allow_unicode=True, default_flow_style=False, width=120) if objects else ""


if __name__ == "__main__":
    main()
