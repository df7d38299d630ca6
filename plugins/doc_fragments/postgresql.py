# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The connection, named as in community.postgresql.
    DOCUMENTATION = r"""
options:
  login_host:
    description:
      - Address of the PostgreSQL server. Empty for its Unix socket.
    type: str
    aliases: [host]
    default: ""
  login_port:
    description:
      - TCP port of the PostgreSQL server.
    type: int
    aliases: [port]
    default: 5432
  login_unix_socket:
    description:
      - Directory of the server's Unix socket, used when O(login_host) is empty.
    type: str
    aliases: [unix_socket]
    default: ""
  login_user:
    description:
      - Role to connect as.
    type: str
    aliases: [login]
    default: postgres
  login_password:
    description:
      - Password of O(login_user). Not needed with peer authentication over the Unix socket.
    type: str
    default: ""
  login_db:
    description:
      - Database to connect to.
    type: str
    required: true
  ssl_mode:
    description:
      - How strictly TLS is required, as libpq's C(sslmode).
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
    default: prefer
  ca_cert:
    description:
      - Path, on the target, of the certificate authority that signed the server's certificate.
    type: path
    aliases: [ssl_rootcert]
  ssl_cert:
    description:
      - Path, on the target, of the certificate to log in with, where the server asks for one.
    type: path
  ssl_key:
    description:
      - Path, on the target, of the key of O(ssl_cert). libpq wants it readable by its owner alone.
    type: path
  connect_params:
    description:
      - Other parameters for libpq, by its names. They win over the options above.
      - They are logged, so a password is refused here; O(login_password) is its place.
    type: dict
    default: {}
requirements:
  - psycopg2 (Debian package C(python3-psycopg2)) on the target
"""
