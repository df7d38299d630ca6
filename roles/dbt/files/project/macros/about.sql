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

{# What stands for an id that is not shown, since it may be any text. #}
{% macro digest(id) -%}
    md5({{ id }})::uuid
{%- endmacro %}

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
