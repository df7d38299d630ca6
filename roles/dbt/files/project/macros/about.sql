-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# Whom reports are about (fct_report). #}

{# A query for the reports that name one of these ids, a query's column id, in any field. #}
{% macro reports_about(ids) -%}
    {%- set named -%} (select distinct id from ({{ ids }}) named where id is not null) named {%- endset -%}
    select r.uuid from {{ named }} join data_record r on r.patient_id = named.id
    union select r.uuid from {{ named }} join data_record r on r.place_id = named.id
    union select r.uuid from {{ named }} join fct_report r on r.patient_digest = {{ digest('named.id') }}
    union select r.uuid from {{ named }} join fct_report r on r.visited_digest = {{ digest('named.id') }}
{%- endmacro %}

{# What stands for an id that is not shown, since it may be any text. Salted, or who tries all phone numbers finds the one it is of. #}
{% macro digest(id) -%}
    md5({{ id }} || (select salt from {{ digest_salt() }}))::uuid
{%- endmacro %}

{# Models that are made beside those in use take the place of these, so they have the same salt. #}
{% macro digest_salt() -%}
    {{ 'dbt' if is_beside() else target.schema }}.digest_salt
{%- endmacro %}

{# on-run-start #}
{% macro create_digest_salt() %}
    create table if not exists {{ digest_salt() }} (salt text not null);
    insert into {{ digest_salt() }} select gen_random_uuid() where not exists (select from {{ digest_salt() }})
{% endmacro %}

{# The person; else who is not here any more, or not yet, since reports about one belong together: what is no uuid by its digest. #}
{% macro patient_of_report(r) -%}
    coalesce(
        {{ r }}.person_uuid,
        case
            when {{ r }}.named_patient in ({{ r }}.household_uuid, {{ r }}.place_uuid) then null
            when {{ r }}.named_patient ~ '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then {{ r }}.named_patient
            else {{ digest(r ~ '.named_patient') }}::text
        end
    )
{%- endmacro %}
