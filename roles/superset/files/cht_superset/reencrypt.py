# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m cht_superset.reencrypt: encrypts what was stored with PREVIOUS_SECRET_KEY with SECRET_KEY, in one transaction.

Superset 6.1's own `re-encrypt-secrets` ends well and does nothing: it looks for columns where, with the Flask-AppBuilder of its
lock, no table is described.
"""

from __future__ import annotations

from flask_appbuilder import Model
from superset.app import create_app
from superset.utils.encrypt import EncryptedType, SecretsMigrator


class _Migrator(SecretsMigrator):
    def discover_encrypted_fields(self) -> dict[str, dict[str, EncryptedType]]:
        tables = {
            name: {column.name: column.type for column in table.columns if isinstance(column.type, EncryptedType)}
            for name, table in Model.metadata.tables.items()
        }
        return {name: columns for name, columns in tables.items() if columns}


def main() -> None:
    """KeyError without PREVIOUS_SECRET_KEY; an exception where neither key fits. What is encrypted with the new key already stays."""
    app = create_app()
    with app.app_context():
        migrator = _Migrator(app.config["PREVIOUS_SECRET_KEY"])
        found = migrator.discover_encrypted_fields()
        if "password" not in found.get("dbs", {}):
            raise LookupError("this version of Superset keeps the passwords of its connections elsewhere: nothing was changed")
        migrator.run()
        print("encrypted again: " + ", ".join(found))


if __name__ == "__main__":
    main()
