-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Every contact that is no person, kinds that no setting knows included.
{{ config(
    indexes=[{'columns': ['uuid'], 'type': 'hash'}, {'columns': ['saved_timestamp']}, {'columns': ['place_id']}],
    post_hook=["{{ drop_outdated(ref('contact')) }}", "{{ drop_resorted(person=false) }}"],
) }}

select
    contact.uuid,
    contact.saved_timestamp,
    {{ shortcode("c.doc -> 'place_id'") }} as place_id,
    {{ reference("c.doc #> '{contact,_id}'", "c.doc -> 'contact'") }} as contact_id
from {{ ref('contact') }} contact
join {{ source('v1', 'couchdb') }} c on c._id = contact.uuid and not c._deleted
{{ contact_type_join() }}
where not {{ is_person() }} and {{ in_window('contact.saved_timestamp') }}
