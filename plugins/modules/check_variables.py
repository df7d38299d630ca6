#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Its work is done by the action plugin of the same name, on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: check_variables
short_description: Check a role's variables before it changes anything
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Checks the variables of the role that calls it against its C(meta/argument_specs.yml), on the controller.
  - Ansible does so itself, but for the entry point that runs only, and so in the middle of a playbook of several roles.
  - A number or a switch that is given as text, as C(-e) does, is right. A variable that refers to one that is not set is named with it.
extends_documentation_fragment:
  - cht.sync.attributes
options:
  names:
    description:
      - Names of variables, in place of the role's. Of these that are set it is only checked that all they refer to is set too.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Check the variables
  cht.sync.check_variables:
"""

RETURN = r"""
msg:
  description: One line a mistake.
  returned: always
  type: str
  sample: "relay_page_rows is \"many\": it must be a whole number"
"""
