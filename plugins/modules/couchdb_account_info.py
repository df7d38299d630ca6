#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: couchdb_account_info
short_description: Ask CouchDB whether the accounts that read it may write
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Tries a write with each account, in each of its databases. It is one that cannot succeed, since an attachment is longer than it
    says, so nothing is stored, and nothing comes into the feed of changes, where the account may write.
  - What is not CouchDB itself, as the source of the demo, is not asked. An administrator's account is not tried.
  - It does not fail where an account may write, or cannot be tried.
extends_documentation_fragment:
  - cht.sync.attributes
  - cht.sync.feeds
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
seealso:
  - module: cht.sync.couchdb_account
"""

EXAMPLES = r"""
- name: Ask whether the accounts may write
  cht.sync.couchdb_account_info:
    feeds: "{{ cht_sync_sources | cht.sync.feeds }}"
    passwords: "{{ dict(cht_sync_sources | map(attribute='name') | zip(cht_sync_sources | map(attribute='password'))) }}"
  register: found
"""

RETURN = r"""
accounts:
  description: One entry a source.
  returned: always
  type: list
  elements: dict
  contains:
    source:
      description: Name of the source.
      type: str
    username:
      description: Name of its account.
      type: str
    writes:
      description: What became of the write, V(refused), V(allowed), V(administrator), V(not asked) or V(unknown).
      type: str
    reason:
      description: Why, in the server's words or ours; null where there is no more to say.
      type: str
findings:
  description: A sentence for each account that may write, with the remedy.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cht.sync.plugins.module_utils import _couchdb_writes
from ansible_collections.cht.sync.plugins.module_utils._couchdb import feeds_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec=feeds_argument_spec(),
        supports_check_mode=True,
    )
    accounts = _couchdb_writes.look(module.params["feeds"], module.params["passwords"])
    module.exit_json(changed=False, accounts=accounts, findings=_couchdb_writes.findings(accounts))


if __name__ == "__main__":
    main()
