# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs dbt once for each line of JSON on standard input, a list of arguments; answers {"success", "output"}.

A line {"arguments": arguments, "environment": variables} runs the role's program instead, as the service does.

Started in dbt's own environment. Most of a short run is dbt's start and its reading of the project, which tests pay
once this way: the project of the checkout does not change meanwhile. (dbt imports every module on the path whose name
begins with dbt_, so this one has another name.)
"""

import contextlib
import functools
import gc
import io
import json
import os
import sys

from cht_dbt.__main__ import main
from dbt.cli.main import dbtRunner

# A tenth of a run is spent on collecting what a run made, most of which stays as long as the run. Every so many
# allocations is often enough: a run makes a few hundred thousand objects.
gc.set_threshold(500_000, 5, 100)


@functools.cache
def project():
    """The project as dbt has read it, with its artifact manifest.json; an error of dbt's is the caller's."""
    answer = dbtRunner().invoke(["parse"])
    if not answer.success:
        raise RuntimeError(f"dbt cannot read the project: {answer.exception}")
    return answer.result


def dbt(arguments):
    """Whether it went well, and an exception's text. What dbt says goes to standard output, not into a file too."""
    # A copy, since dbt writes into what it is given. Its artifacts take a second to write.
    answer = dbtRunner(project().deepcopy()).invoke(["--no-write-json", "--log-level-file", "none", *arguments])
    return answer.success, str(answer.exception or "")


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
        success, said = (program(**request), "") if isinstance(request, dict) else dbt(request)
    print(json.dumps({"success": success, "output": output.getvalue() + said}), flush=True)
