# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is added to Superset: a limit of failed logins, logins that end, a fence before the warehouse, notes without secrets, a
watch, the pruning of its tables, their setup in one process, and a change of its secret key."""
