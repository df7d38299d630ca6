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
  - Compares by meaning with what Superset has, and imports only on a difference. What somebody changed by hand goes back
    to what the files say. Objects that the files do not name are never touched.
  - The files are checked before anything is sent; messages name file and field.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.superset
options:
  state:
    description:
      - Whether the dashboard should be there.
    type: str
    choices: [present]
    default: present
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
    required: true
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
requirements:
  - PyYAML (Debian package C(python3-yaml)) on the machine the module runs on
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the objects that differ, without numbers and defaults of the server.
seealso:
  - module: cht.sync.superset_database
"""

EXAMPLES = r"""
- name: Deploy a dashboard
  cht.sync.superset_dashboard:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    src: dashboards/reports

- name: Show what somebody changed by hand
  cht.sync.superset_dashboard:
    url: https://dashboards.example.org
    username: admin
    password: "{{ superset_admin_password }}"
    ca_path: /etc/ssl/certs/ca-certificates.crt
    src: dashboards/reports
  check_mode: true
  diff: true
"""

RETURN = r"""
differences:
  description: Files and fields in which Superset differed, before.
  returned: success
  type: list
  elements: str
  sample: ["charts/reports_by_day.yaml: params.time_grain_sqla"]
dashboards:
  description: The dashboards of the bundle.
  returned: success
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
"""

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests
from ansible_collections.cht.sync.plugins.module_utils import _superset
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_dashboards import ConvergeError, converge
from ansible_collections.cht.sync.plugins.module_utils._superset_files import BundleError, read_layers

try:
    import yaml

    YAML_ERROR = None
except ImportError:
    YAML_ERROR = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_superset.connection_argument_spec(),
            "state": {"type": "str", "choices": ["present"], "default": "present"},
            "src": {"type": "list", "elements": "path", "required": True},
            "remote_src": {"type": "bool", "default": False},
            "bundle": {"type": "dict"},
            "database_passwords": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    require_requests(module)
    if YAML_ERROR:
        module.fail_json(
            msg=missing_required_lib("PyYAML", reason="(Debian package python3-yaml)"), exception=YAML_ERROR
        )
    params = module.params

    try:
        assets = parse_bundle((params["bundle"] or read_layers(params["src"]))["layers"])
        superset = _superset.Superset(params)
        outcome = converge(superset, assets, params["database_passwords"], dry_run=module.check_mode)
    except BundleError as error:
        module.fail_json(msg=f"{', '.join(params['src'])}: {error}")
    except (_superset.SupersetError, ConvergeError) as error:
        module.fail_json(msg=str(error))
    before, after = outcome.pop("before"), outcome.pop("after")
    module.exit_json(**outcome, diff={"before": _as_text(before), "after": _as_text(after)})


def _as_text(objects: dict) -> str:
    return yaml.safe_dump(objects, allow_unicode=True, default_flow_style=False) if objects else ""


if __name__ == "__main__":
    main()
