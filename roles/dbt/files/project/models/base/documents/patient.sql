-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Persons with a shortcode, which is what reports may name them by.
{{ config(
    indexes=[
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['patient_id'], 'type': 'hash'},
    ],
    post_hook=["{{ drop_outdated(ref('contact')) }}", "{{ drop_resorted(person=true) }}"],
) }}

select
    contact.uuid,
    contact.saved_timestamp,
    {{ shortcode("c.doc -> 'patient_id'") }} as patient_id
from {{ ref('contact') }} contact
join {{ source('v1', 'couchdb') }} c on c._id = contact.uuid and not c._deleted
{{ contact_type_join() }}
where {{ shortcode("c.doc -> 'patient_id'") }} is not null and {{ is_person() }} and {{ in_window('contact.saved_timestamp') }}
