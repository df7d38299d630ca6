-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Persons and places.
{{ config(
    indexes=[
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['reported']},
        {'columns': ['parent_uuid']},
        {'columns': ['contact_type']},
    ],
    post_hook="{{ drop_outdated(ref('document_metadata')) }}",
) }}

select
    uuid,
    saved_timestamp,
    {{ moment_of("doc ->> 'reported_date'") }} as reported,
    {{ reference("doc #> '{parent,_id}'", "doc -> 'parent'") }} as parent_uuid,
    {{ first_of(["doc -> 'name'"], '@.type() == "string"') }} as name,
    {{ short("case when doc_type = 'contact' then coalesce(doc ->> 'contact_type', doc_type) else doc_type end") }} as contact_type,
    doc ->> 'active' as active,
    doc ->> 'notes' as notes,
    doc ->> 'muted' as muted
from {{ changed_documents(['contact'] + var('place_types') + var('person_types')) }} d
