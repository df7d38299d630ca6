#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: superset_dashboard_info
short_description: Find dashboards in Superset, and export them into directories of YAML
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Returns dashboards with their charts and the datasets of these, in the form of the files that
    M(cht.sync.superset_dashboard) reads, without numbers and defaults of the server.
  - With O(dest) it writes them as such files on the controller, so that a change made in the browser becomes a diff
    in git. Deploying what was exported changes nothing.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.superset
options:
  uuids:
    description:
      - The dashboards to find, by uuid. Without it and O(slugs), all.
    type: list
    elements: str
    default: []
  slugs:
    description:
      - The dashboards to find, by slug.
    type: list
    elements: str
    default: []
  dest:
    description:
      - Directory on the controller to write to, with one directory for each dashboard that holds C(dashboards/) and C(charts/).
        A directory that holds the dashboard's file already is found by the uuid in it; a new one is named like its slug.
      - Files that are there keep their names, the comments at their beginning, the order of their keys and the numbers of their
        charts. The file of a chart that left the dashboard is removed; files of other charts are left alone.
      - Charts are written without C(query_context), which the browser makes from C(params).
    type: path
  dest_datasets:
    description:
      - Directory on the controller to write the datasets to that the charts and filters read, into C(datasets/) in it. It is a
        bundle of its own, for dashboards may share datasets. Without it datasets are not written.
    type: path
requirements:
  - PyYAML (Debian package C(python3-yaml)) on the machine the module runs on
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the files that O(dest) makes differ.
seealso:
  - module: cht.sync.superset_dashboard
"""

EXAMPLES = r"""
- name: Take what was changed in the browser into the repository
  cht.sync.superset_dashboard_info:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
    slugs: [reports]
    dest: "{{ inventory_dir }}/dashboards"

- name: List all dashboards
  cht.sync.superset_dashboard_info:
    url: http://127.0.0.1:8088
    username: admin
    password: "{{ superset_admin_password }}"
  register: found
"""

RETURN = r"""
dashboards:
  description: The dashboards that were found, by title.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: Its uuid.
      type: str
    slug:
      description: Its slug, or nothing.
      type: str
    title:
      description: Its title.
      type: str
    url:
      description: Where to look at it.
      type: str
    objects:
      description: The dashboard itself, its charts, and the datasets that they and its filters read.
      type: list
      elements: dict
      contains:
        kind:
          description: One of C(dashboards), C(charts), C(datasets).
          type: str
        content:
          description: What its file holds.
          type: dict
files:
  description: The files that were written or removed.
  returned: with O(dest)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _superset
from ansible_collections.cht.sync.plugins.module_utils._requests import require_requests
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import Asset, datasets_of
from ansible_collections.cht.sync.plugins.module_utils._superset_exchange import parse_export
from ansible_collections.cht.sync.plugins.module_utils._superset_export import written
from ansible_collections.cht.sync.plugins.module_utils._superset_layout import charts_of
from ansible_collections.cht.sync.plugins.module_utils._yaml import require_yaml


def find(stored: list[Asset], uuids: list[str], slugs: list[str]) -> list[Asset]:
    """The dashboards that are asked for, by title. Raises SupersetError for one that is not there."""
    dashboards = sorted((asset for asset in stored if asset.kind == "dashboards"), key=lambda asset: asset.name)
    missing = sorted(
        ({*uuids} - {asset.uuid for asset in dashboards}) | ({*slugs} - {asset.content.get("slug") for asset in dashboards})
    )
    if missing:
        there = ", ".join(asset.content.get("slug") or asset.uuid for asset in dashboards) or "none"
        raise _superset.SupersetError(f"Superset has no dashboard {', '.join(missing)}. It has: {there}")
    if not uuids and not slugs:
        return dashboards
    return [asset for asset in dashboards if asset.uuid in uuids or asset.content.get("slug") in slugs]


def objects_of(dashboard: Asset, stored: list[Asset]) -> list[dict]:
    """The dashboard with what it is made of."""
    by_key = {asset.key: asset for asset in stored}
    charts = [by_key["charts", uuid] for uuid in sorted(set(charts_of(dashboard.content).values())) if ("charts", uuid) in by_key]
    datasets = sorted({uuid for asset in [dashboard, *charts] for uuid in datasets_of(asset).values()})
    found = [dashboard, *charts, *(by_key["datasets", uuid] for uuid in datasets if ("datasets", uuid) in by_key)]
    return [{"kind": asset.kind, "content": written(asset)} for asset in found]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_superset.connection_argument_spec(),
            "uuids": {"type": "list", "elements": "str", "default": []},
            "slugs": {"type": "list", "elements": "str", "default": []},
            "dest": {"type": "path"},
            "dest_datasets": {"type": "path"},
        },
        required_by={"dest_datasets": "dest"},
        supports_check_mode=True,
    )
    require_requests(module)
    require_yaml(module)
    try:
        superset = _superset.Superset(module.params)
        stored = parse_export(superset.export_assets())
        found = find(stored, module.params["uuids"], module.params["slugs"])
    except _superset.SupersetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        dashboards=[
            {
                "uuid": asset.uuid,
                "slug": asset.content.get("slug"),
                "title": asset.name,
                "url": superset.dashboard_url(asset.content.get("slug") or asset.uuid),
                "objects": objects_of(asset, stored),
            }
            for asset in found
        ],
    )


if __name__ == "__main__":
    main()
