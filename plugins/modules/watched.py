#!/usr/bin/python
# SPDX-FileCopyrightText: cht.sync contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Its work is done by the action plugin of the same name, on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: watched
short_description: Run a module that takes long, and show how far it is
version_added: 0.1.0
author: cht.sync contributors (@cht-sync)
description:
  - Runs another module in the background of the target and shows now and then what a command says of its progress, so that nobody
    takes a slow download for one that hangs.
  - The result is that of the other module.
extends_documentation_fragment:
  - cht.sync.attributes
options:
  module:
    description: The module to run.
    type: str
    required: true
  options:
    description: Its options.
    type: dict
    default: {}
  progress:
    description: Command for a shell of the target. The last line that it writes is shown. It must not change anything.
    type: str
    required: true
  every:
    description: Seconds between two lines; nothing is shown of what is over before.
    type: int
    default: 10
attributes:
  check_mode:
    support: full
    details: As far as the other module supports it.
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Install packages
  cht.sync.watched:
    module: ansible.builtin.apt
    options: {name: [postgresql-15]}
    progress: tail -n 1 /var/log/dpkg.log
"""

RETURN = r"""
"""
