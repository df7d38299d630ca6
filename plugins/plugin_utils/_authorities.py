# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of authorities that the inventory names as files on the controller."""

from __future__ import annotations

import os
import re
import ssl

# Nothing else of a file is used: a private key beside a certificate stays where it is, and comments may be in any script.
_CERTIFICATE = re.compile(rb"^-----BEGIN CERTIFICATE-----$.*?^-----END CERTIFICATE-----$", re.DOTALL | re.MULTILINE)
_REMEDY = "put the certificate of the authority there, in PEM form, or correct"


def certificates(path: object, variable: str) -> str:
    """The certificates in a file, in PEM form. Raises ValueError naming file and remedy; variable: what names it."""
    file = os.path.expanduser(str(path))
    if not os.path.isabs(file):
        raise ValueError(f"{variable} names {path}: it must be a whole path on the controller, as {{{{ inventory_dir }}}}/{os.path.basename(file)}")
    try:
        with open(file, "rb") as opened:
            found = _CERTIFICATE.findall(opened.read().replace(b"\r\n", b"\n"))
    except OSError as error:
        raise ValueError(f"{variable} names {path}, which cannot be read on the controller ({error.strerror}): {_REMEDY} {variable}") from None
    try:
        text = "".join(f"{one.decode('ascii')}\n" for one in found)
        if text:
            ssl.create_default_context(cadata=text)
    except (ValueError, ssl.SSLError):
        text = ""
    if not text:
        raise ValueError(f"{variable} names {path}, and on the controller it holds no certificate in PEM form: {_REMEDY} {variable}")
    return text
