# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs dbt once for each line of JSON on standard input, a list of arguments; answers {"success", "output"}.

Started in dbt's own environment. Most of a short run is dbt's start, which tests pay once this way.
(dbt imports every module on the path whose name begins with dbt_, so this one has another name.)
"""

import contextlib
import io
import json
import sys

from dbt.cli.main import dbtRunner

for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        result = dbtRunner().invoke(json.loads(line))
    print(json.dumps({"success": result.success, "output": output.getvalue() + str(result.exception or "")}), flush=True)
