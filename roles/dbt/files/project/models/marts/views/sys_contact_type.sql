-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- As what dashboards show which kind of contact, by the project's variables, and whether there is such a kind: where not, they show nothing.
-- A kind that only contacts have is listed where no setting has any, or a variable names it.
{{ config(post_hook='grant select on {{ this }} to monitor') }}

with named (variable, contact_type) as (
    {%- for variable in ['area_types', 'facility_types', 'household_types', 'person_types'] %}
    {%- for type in var(variable) %}
    select '{{ variable }}', '{{ type }}' union all
    {%- endfor %}
    {%- endfor %}
    select null, null where false
),

kind as (
    select id as contact_type from {{ ref('contact_type') }} where configured
    union
    select contact_type from named
    union
    -- Without settings of its own CHT has those that its contacts have.
    select distinct contact_type from {{ ref('contact') }}
    where contact_type <> '' and not exists (select from {{ ref('contact_type') }} where configured)
),

found as (
    select
        kind.contact_type,
        coalesce(setting.configured, false) as configured,
        exists (select from {{ ref('contact') }} c where c.contact_type = kind.contact_type) as has_contacts
    from kind
    left join {{ ref('contact_type') }} setting on setting.id = kind.contact_type and setting.configured
)

select
    coalesce(named.variable, '') as variable,
    {{ code('found.contact_type') }} as contact_type,
    found.configured,
    found.has_contacts,
    found.configured or found.has_contacts as known
from found
left join named on named.contact_type = found.contact_type
