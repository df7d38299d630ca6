-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    unique_key='user_id',
    indexes=[{'columns': ['user_id'], 'type': 'hash'}, {'columns': ['saved_timestamp']}],
    post_hook="{{ drop_outdated(ref('document_metadata')) }}",
) }}

select
    uuid as user_id,
    saved_timestamp,
    {{ reference("doc #> '{contact_id,_id}'", "doc -> 'contact_id'") }} as contact_uuid,
    doc ->> 'language' as language,
    doc ->> 'roles' as roles
from {{ changed_documents(['user-settings']) }} d
