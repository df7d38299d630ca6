# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The connection to Superset's HTTP API.
    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of Superset, as seen from the machine the module runs on.
    type: str
    required: true
  username:
    description:
      - Account to log in with. Use the same one each time, since Superset lets only owners change what they made.
    type: str
    required: true
  password:
    description:
      - Its password.
    type: str
    required: true
  validate_certs:
    description:
      - Whether to check Superset's certificate.
    type: bool
    default: true
  ca_path:
    description:
      - Path, on the machine the module runs on, of the certificate authority that signed Superset's certificate.
    type: path
  timeout:
    description:
      - Seconds to wait for each answer.
    type: int
    default: 60
requirements:
  - requests (Debian package C(python3-requests)) on the machine the module runs on
"""
