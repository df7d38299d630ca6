-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    indexes=[
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['period_start collate "C"']},
        {'columns': ['user_name']},
    ],
    post_hook="{{ drop_outdated(ref('document_metadata')) }}",
) }}

select
    uuid,
    saved_timestamp,
    doc #>> '{meta,source}' as source,
    doc #>> '{meta,url}' as url,
    {{ short("doc #>> '{meta,user,name}'") }} as user_name,
    {{ short("doc #>> '{meta,time}'") }} as period_start,
    doc #>> '{info,cause}' as cause,
    doc #>> '{info,message}' as message
from {{ changed_documents(['feedback']) }} d
