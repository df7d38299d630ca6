# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with certificates of authorities, read and checked."""

from __future__ import annotations

from os.path import basename, splitext

from ansible.errors import AnsibleFilterError

from ansible_collections.cht.sync.plugins.plugin_utils._authorities import certificates


def authorities(paths, variable="base_ca_certificates") -> list[str]:
    """The certificates of each file, in PEM form; raises AnsibleFilterError naming file and remedy. variable: what names the files."""
    names: dict[str, object] = {}
    for path in paths:
        # On a machine they lie in one directory.
        twin = names.setdefault(splitext(basename(str(path)))[0], path)
        if str(twin) != str(path):
            raise AnsibleFilterError(f"{variable} names {twin} and {path}: give one of the two files another name, or put both into one")
    try:
        return [certificates(path, variable) for path in paths]
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self):
        return {"authorities": authorities}
