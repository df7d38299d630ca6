# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of `python3 -m cht_demo`."""

import sys

from cht_demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
