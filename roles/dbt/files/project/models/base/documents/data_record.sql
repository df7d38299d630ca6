-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Reports, of all forms.
{{ config(
    indexes=[
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['reported']},
        {'columns': ['form']},
        {'columns': ['from_phone']},
        {'columns': ['patient_id']},
        {'columns': ['place_id']},
        {'columns': ['contact_uuid']},
        {'columns': ['parent_uuid']},
        {'columns': ['grandparent_uuid']},
    ],
    post_hook="{{ drop_outdated(ref('document_metadata')) }}",
) }}

select
    uuid,
    saved_timestamp,
    {{ moment_of("doc ->> 'reported_date'") }} as reported,
    {{ short("doc ->> 'form'") }} as form,
    {{ short("doc ->> 'from'") }} as from_phone,
    {{ shortcode("doc -> 'patient_id'", "doc #> '{fields,patient_id}'", "doc #> '{fields,patient_uuid}'") }} as patient_id,
    {{ shortcode("doc -> 'place_id'", "doc #> '{fields,place_id}'") }} as place_id,
    {{ reference("doc #> '{contact,_id}'", "doc -> 'contact'") }} as contact_uuid,
    {{ reference("doc #> '{contact,parent,_id}'", "doc #> '{contact,parent}'") }} as parent_uuid,
    {{ reference("doc #> '{contact,parent,parent,_id}'", "doc #> '{contact,parent,parent}'") }} as grandparent_uuid
from {{ changed_documents(['data_record']) }} d
