-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
Several CHT instances in one warehouse. A uuid is one instance's alone. What is no uuid (a short id, the name of a user, of a
device, or of a kind of contact) means something in its instance only, and is looked for by both.
#}

{# The instance of a source: what stands before the slash. #}
{% macro instance_of(source) -%}
    split_part({{ source }}, '/', 1)
{%- endmacro %}

{# The user-settings there are of users who changed. #}
{% macro changed_accounts() -%}
    (
        select {{ instance_of('source') }} as instance, _id::text as user_id, saved_timestamp, doc
        from {{ source('v1', 'instance_document') }}
        where starts_with(_id, 'org.couchdb.user:') and not _deleted and doc ->> 'type' = 'user-settings' and {{ is_changed_user('_id') }}
    )
{%- endmacro %}

{#
Whether a user's document changed in some instance: all of that name are made again, since a source may have got another name. An
array, so that it is known before any document is read: mostly there is none.
#}
{% macro is_changed_user(user_id) -%}
    {%- if is_incremental() -%}
    {{ user_id }} = any(array(
        select _id::text from {{ source('v1', 'instance_document') }}
        where starts_with(_id, 'org.couchdb.user:') and {{ in_window('saved_timestamp') }}
    ))
    {%- else -%} true {%- endif -%}
{%- endmacro %}

{# Post-hook of account. #}
{% macro drop_gone_accounts() %}
    {%- if is_incremental() %}
    delete from {{ this }} t
    where {{ is_changed_user('user_id') }}
      and not exists (select from {{ changed_accounts() }} now where now.instance = t.instance and now.user_id = t.user_id)
    {%- endif %}
{% endmacro %}
