# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A JSON Web Token from claims and a secret. The same input gives the same token, so nothing is to be stored."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

try:
    import jwt as pyjwt
except ImportError:
    pyjwt = None


def jwt(claims: dict, secret: str) -> str:
    """HS256 over `claims`; raises AnsibleFilterError where PyJWT is missing or the secret is too short."""
    if pyjwt is None:
        raise AnsibleFilterError("The filter cht.sync.jwt needs PyJWT on the controller: pip install -r requirements.txt")
    if len(str(secret)) < 32:
        raise AnsibleFilterError("The JWT secret must have at least 32 characters: playbooks/secrets.yml makes one")
    return pyjwt.encode({str(key): value for key, value in claims.items()}, str(secret), algorithm="HS256")


class FilterModule:
    def filters(self):
        return {"jwt": jwt}
