# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs dbt for cht.sync: what to refresh, what to run again, and what to say of it."""
