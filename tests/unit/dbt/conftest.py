# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the role's program on the path. dbt itself is not there: what needs it is in tests/integration/dbt."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "roles" / role / "files") for role in ("base", "dbt")]
