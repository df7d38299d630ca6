# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority of its own, and certificates signed by it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Certificate(NamedTuple):
    """The files of a server's certificate."""

    certificate: str
    key: str


class Authority:
    """Keeps its files in `directory`. `ca_file`: what has to be trusted."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory, self._name = directory, name
        self.ca_file = str(directory / f"{name}.crt")
        self._openssl("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def certificate(self, subject: str = "IP:127.0.0.1") -> Certificate:
        """A certificate for one address, as `IP:<address>` or `DNS:<name>`."""
        stem = subject.replace(":", "-")
        self._openssl("req", *_KEY, "-subj", f"/CN={stem}", "-keyout", f"{stem}.key", "-out", f"{stem}.csr")
        (self._directory / f"{stem}.ext").write_text(f"subjectAltName={subject}\n", encoding="ascii")
        self._openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", f"{self._name}.crt", "-CAkey", f"{self._name}.key",
                      "-CAcreateserial", "-extfile", f"{stem}.ext", "-days", "2", "-out", f"{stem}.crt")  # fmt: skip
        return Certificate(str(self._directory / f"{stem}.crt"), str(self._directory / f"{stem}.key"))

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._directory, check=True, capture_output=True)
