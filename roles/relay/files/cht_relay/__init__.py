# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries the changes of one CouchDB database into PostgreSQL through PostgREST.

One process serves one database. The position lives in the target database, moves in
the same transaction as the rows, and is asked for at every start: the process may end
at any moment, in any way, and nothing is lost.
"""
