# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to PostgreSQL that the modules share; options as in community.postgresql."""

from __future__ import annotations

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import psycopg2
    import psycopg2.errors
    import psycopg2.extras

    PSYCOPG2_ERROR = None
except ImportError:
    psycopg2 = None
    PSYCOPG2_ERROR = traceback.format_exc()

SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


# Of libpq's parameters, those that must not be written where options are logged.
SECRET_PARAMETERS = {"password": "login_password", "sslpassword": "a key without passphrase"}


def connection_argument_spec() -> dict:
    """Options of the doc fragment C(cht.sync.postgresql)."""
    return {
        "login_host": {"type": "str", "default": "", "aliases": ["host"]},
        "login_port": {"type": "int", "default": 5432, "aliases": ["port"]},
        "login_unix_socket": {"type": "str", "default": "", "aliases": ["unix_socket"]},
        "login_user": {"type": "str", "default": "postgres", "aliases": ["login"]},
        "login_password": {"type": "str", "default": "", "no_log": True},
        "login_db": {"type": "str", "required": True},
        "ssl_mode": {"type": "str", "default": "prefer", "choices": SSL_MODES},
        "ca_cert": {"type": "path", "aliases": ["ssl_rootcert"]},
        "ssl_cert": {"type": "path"},
        "ssl_key": {"type": "path", "no_log": False},
        "connect_params": {"type": "dict", "default": {}},
    }


def require_psycopg2(module: AnsibleModule) -> None:
    """Fails the module where psycopg2 is not installed on the target, or a secret is given where it would be logged."""
    if psycopg2 is None:
        module.fail_json(
            msg=missing_required_lib("psycopg2", reason="(Debian package python3-psycopg2)"),
            exception=PSYCOPG2_ERROR,
        )
    for name in SECRET_PARAMETERS.keys() & module.params["connect_params"].keys():
        module.no_log_values.add(str(module.params["connect_params"][name]))
        module.fail_json(msg=f"connect_params: {name} would be logged; use {SECRET_PARAMETERS[name]} instead")


def connect(params: dict):
    """Opens a connection from module options. Raises psycopg2.OperationalError."""
    wanted = {
        "host": params["login_host"] or params["login_unix_socket"],
        "port": params["login_port"],
        "user": params["login_user"],
        "password": params["login_password"],
        "dbname": params["login_db"],
        "sslmode": params["ssl_mode"],
        "sslrootcert": params["ca_cert"],
        "sslcert": params["ssl_cert"],
        "sslkey": params["ssl_key"],
        "connect_timeout": 10,
        "application_name": "cht.sync",
        **params["connect_params"],
    }
    return psycopg2.connect(**{key: value for key, value in wanted.items() if value})


def rows(connection, sql: str) -> list[dict]:
    """The rows of a query, by the names of its columns. Raises psycopg2.Error."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def connection_advice(params: dict, error: Exception) -> str:
    """What to tell the operator when the connection failed: the server, its own words, and the remedy."""
    where = params["login_host"] or params["login_unix_socket"] or "the Unix socket"
    return (
        f"Cannot connect to PostgreSQL at {where}, port {params['login_port']}, database {params['login_db']} "
        f"as {params['login_user']}: {str(error).strip()}. "
        "Check that the server runs, that pg_hba.conf admits this host and role, and the password or certificate."
    )
