-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The kinds of contact, whatever the instance, as packages know them.
{{ config(unique_key='id', post_hook="{{ drop_gone_kinds() }}") }}

{{ contact_types() }}
{%- if is_incremental() %}
except
select id, person, configured from {{ this }}
{%- endif %}
