# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version of what the generator produces; raise it whenever the documents change."""

GENERATOR_VERSION = "1"
