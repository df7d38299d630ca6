-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    indexes=[{'columns': ['uuid'], 'type': 'hash'}, {'columns': ['saved_timestamp']}],
    post_hook=["{{ drop_outdated(ref('contact')) }}", "{{ drop_resorted(person=true) }}"],
) }}

select
    contact.uuid,
    contact.saved_timestamp,
    c.doc ->> 'sex' as sex,
    {{ shortcode("c.doc -> 'patient_id'") }} as patient_id,
    c.doc ->> 'phone' as phone,
    coalesce(c.doc ->> 'phone_alternate', c.doc ->> 'alternative_phone') as phone2
from {{ ref('contact') }} contact
join {{ source('v1', 'couchdb') }} c on c._id = contact.uuid and not c._deleted
{{ contact_type_join() }}
where {{ is_person() }} and {{ in_window('contact.saved_timestamp') }}
