# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""For the machines of tests and demo, which image.sh adds it to: what Python imports from a zip file is compiled once a machine.

Ansible brings each module as a zip file of sources, which Python compiles at each call: two fifths of the processor time that a
call takes, and the tests make thousands of calls.
"""

import zipimport

_compile = zipimport._compile_source
_DIRECTORY = "/var/cache/cht-sync-testbed"


def _compiled(pathname, source):
    import hashlib
    import marshal
    import os

    kept = f"{_DIRECTORY}/{hashlib.sha256(source).hexdigest()}"
    try:
        with open(kept, "rb") as file:
            return marshal.load(file)
    except (OSError, EOFError, ValueError, TypeError):
        code = _compile(pathname, source)
    try:
        os.makedirs(_DIRECTORY, exist_ok=True)
        with open(f"{kept}.{os.getpid()}", "wb") as file:
            marshal.dump(code, file)
        os.replace(file.name, kept)
    except OSError:
        pass  # not root, or a service that may not write: as without
    return code


zipimport._compile_source = _compiled
