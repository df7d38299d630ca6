# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PostgreSQL's catalog says of the objects init_db sets up: compared before and after, and shown as the diff.

Rights are sorted, since a REVOKE followed by the same GRANT may reorder them.
"""

from __future__ import annotations

_ACL = "(SELECT coalesce(string_agg(a::text, ' ' ORDER BY a::text), 'default') FROM unnest({0}) a)"

QUERIES = (
    # schemas
    f"""SELECT format('schema %%s', nspname),
               format('owner %%s, rights %%s', pg_get_userbyid(nspowner), {_ACL.format('nspacl')})
        FROM pg_namespace WHERE nspname = ANY (%(schemas)s) OR nspname = 'public'""",
    # tables, sequences and views
    f"""SELECT format('%%s %%s', CASE c.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END, c.oid::regclass),
               format('owner %%s, rights %%s%%s', pg_get_userbyid(c.relowner), {_ACL.format('c.relacl')},
                      CASE WHEN c.relkind = 'v' THEN E'\\n' || pg_get_viewdef(c.oid) END)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'v', 'S')""",
    # functions
    f"""SELECT format('function %%s', p.oid::regprocedure),
               format(E'owner %%s, rights %%s\\n%%s', pg_get_userbyid(p.proowner), {_ACL.format('p.proacl')},
                      pg_get_functiondef(p.oid))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY (%(schemas)s) AND p.prokind = 'f'""",
    # functions that everybody may call as PostgreSQL comes, and nobody here
    f"""SELECT format('function %%s', p.oid::regprocedure), format('rights %%s', {_ACL.format('p.proacl')})
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
          AND p.proacl IS DISTINCT FROM (SELECT initprivs FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = p.oid)""",
    # the database's own rights
    f"""SELECT format('database %%s', datname), format('rights %%s', {_ACL.format('datacl')})
        FROM pg_database WHERE datname = current_database()""",
    # rights of objects to come
    f"""SELECT format('default rights of %%s%%s on %%s', pg_get_userbyid(defaclrole),
                      CASE WHEN defaclnamespace <> 0 THEN ' in ' || defaclnamespace::regnamespace END, defaclobjtype),
               {_ACL.format('defaclacl')}
        FROM pg_default_acl""",
    # settings of roles
    """SELECT format('settings of role %%s', r.rolname), array_to_string(s.setconfig, ', ')
       FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = 0""",
)


def describe(cursor, schemas: list[str]) -> dict[str, str]:
    """The state of all objects in `schemas`: what it is -> how it is."""
    state: dict[str, str] = {}
    for query in QUERIES:
        cursor.execute(query, {"schemas": schemas})
        state.update(cursor.fetchall())
    return state


def as_text(state: dict[str, str]) -> str:
    """For the diff: sorted, so that only what changed differs."""
    return "".join(f"{what}: {how.rstrip()}\n" for what, how in sorted(state.items()))
