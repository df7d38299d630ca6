# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m cht_superset.setup [--tables] ADMINISTRATOR: lets the administrator log in with the password of standard input.

With --tables it brings tables, roles and permissions to this version first. Superset takes seconds to load, so all is done in
one process. What is done already is left alone: a run that was cut short can be repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import traceback

from flask.cli import ScriptInfo
from superset.cli.main import create_app, superset
from werkzeug.security import check_password_hash


@contextlib.contextmanager
def step(name: str):
    """Ends the program where a step fails, with its name as the last of what is said."""
    try:
        yield
    except BaseException:
        traceback.print_exc()
        raise SystemExit(f"could not {name}") from None


def allow(security_manager, username: str, password: str) -> None:
    """Makes the account, or sets its password where it has another one."""
    user = security_manager.find_user(username=username)
    if user is None:
        role = security_manager.find_role(security_manager.auth_role_admin)
        email = f"{username}@localhost"
        if not security_manager.add_user(username, "Superset", "Administrator", email, role, password):
            raise LookupError(f"Superset did not take the account {username}: another one may have the address {email}")
    elif not check_password_hash(user.password, password):
        security_manager.reset_password(user.id, password)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("administrator")
    options = parser.parse_args()
    password = sys.stdin.read().removesuffix("\n")
    with step("load Superset with its configuration"):
        app = ScriptInfo(create_app=create_app)
        app.load_app()
    if options.tables:
        with step("make or upgrade the tables"):
            superset.main(["db", "upgrade"], obj=app, standalone_mode=False)
        with step("set up roles and permissions"):
            superset.main(["init"], obj=app, standalone_mode=False)
    with step("let the administrator log in"), app.load_app().app_context():
        allow(app.load_app().appbuilder.sm, options.administrator, password)


if __name__ == "__main__":
    main()
