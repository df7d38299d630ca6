-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Users of each instance: two may have one of the same name, of which the raw table, and so `user`, holds one only.
{{ config(
    unique_key=['instance', 'user_id'],
    indexes=[{'columns': ['user_id']}, {'columns': ['contact_uuid']}],
    post_hook="{{ drop_gone_accounts() }}",
) }}

select distinct on (instance, user_id)
    instance,
    user_id,
    {{ reference("doc #> '{contact_id,_id}'", "doc -> 'contact_id'") }} as contact_uuid
from {{ changed_accounts() }} account
-- Of an instance of which two databases have the user, the newest document counts.
order by instance, user_id, saved_timestamp desc
