-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The kinds of contact.
{{ config(unique_key='id', pre_hook="{{ remember_contact_types() }}", post_hook="{{ sort_contacts_again() }}") }}

{{ contact_types() }}
{%- if is_incremental() %}
except
select id, person, configured from {{ this }}
{%- endif %}
