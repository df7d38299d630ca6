-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The kinds of contact in each instance's settings, by which its contacts are persons or places.
{{ config(unique_key=['instance', 'id'], pre_hook="{{ remember_contact_types() }}", post_hook="{{ sort_contacts_again() }}") }}

{{ instance_contact_types() }}
{%- if is_incremental() %}
except
select instance, id, person from {{ this }}
{%- endif %}
