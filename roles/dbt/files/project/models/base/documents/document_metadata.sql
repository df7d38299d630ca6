-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Every document that is not deleted. The rows of all other models hang on these by foreign keys that cascade, so a
-- tombstone removes a document everywhere at once.
{{ config(
    indexes=[
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['doc_type']},
        {'columns': ['doc_type', 'saved_timestamp']},
        {'columns': ['_deleted']},
        {'columns': ['instance']},
        {'columns': ['dbname']},
    ],
    post_hook="delete from {{ this }} t using {{ source('v1', 'couchdb') }} c
               where c._id = t.uuid and c._deleted and " ~ in_window('c.saved_timestamp'),
) }}

select
    _id::text as uuid,
    saved_timestamp,
    _deleted,
    {{ short("doc ->> 'type'") }} as doc_type,
    split_part(source, '/', 1) as instance,
    split_part(source, '/', 2) as dbname
from {{ source('v1', 'couchdb') }}
where not _deleted and {{ in_window('saved_timestamp') }}
