# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs dbt once for each line of JSON on standard input, a list of arguments; answers {"success", "output"}.

A line {"arguments": arguments, "environment": variables} runs the role's program instead, as the service does.

Started in dbt's own environment. Most of a short run is dbt's start, which tests pay once this way.
(dbt imports every module on the path whose name begins with dbt_, so this one has another name.)
"""

import contextlib
import io
import json
import os
import sys

from cht_dbt.__main__ import main
from dbt.cli.main import dbtRunner


def program(arguments, environment):
    """Whether it went well."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return main(arguments) == 0
    finally:
        os.environ.clear()
        os.environ.update(before)


for line in sys.stdin:
    request = json.loads(line)
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
        if isinstance(request, dict):
            success, said = program(**request), ""
        else:
            result = dbtRunner().invoke(request)
            success, said = result.success, str(result.exception or "")
    print(json.dumps({"success": success, "output": output.getvalue() + said}), flush=True)
