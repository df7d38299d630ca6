-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
What of a document's text the marts show. Dashboards read them, so a text there is a name of a place or a health worker, or one of
these: an id, one of some known words, or a code by its form. Anything else is `other`, whatever the document, or an upstream base
model, has in that place: a form's free text, an object with a phone number, a sentence. docs/columns.md lists each column.
#}

{#
An id that a document names: one as machines make it, which is no text, or that of a document which is here. `among` are models
with a column uuid. A mart that shows such an id follows these models by `naming`.
#}
{% macro known_id(id, among=['contact']) -%}
    (
        select named.id from (select {{ id }} as id offset 0) named
        where {{ is_uuid('named.id') }}
        {%- for model in among %} or exists (select from {{ ref(model) }} known where known.uuid = named.id){% endfor %}
    )
{%- endmacro %}

{% macro is_uuid(id) -%}
    {{ id }} ~ '^[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$'
{%- endmacro %}

{# Keys of a mart's rows that come to know, or no longer know, an id of `changed`: only ids of other forms need to be here. #}
{% macro naming(mart, columns, key='uuid') -%}
    {%- set named = '(select uuid from changed where not ' ~ is_uuid('uuid') ~ ')' -%}
    {%- for column in columns -%}
        select m.{{ key }} from {{ named }} named join {{ mart }} m on m.{{ column }} = named.uuid
        union select m.{{ key }} from {{ mart }} m where m.{{ column }} is null and exists {{ named }}
        {{- ' union ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# One of these words. #}
{% macro one_of(text, words) -%}
    case when {{ text }} in {{ in_list(words) }} then {{ text }} when {{ text }} <> '' then 'other' end
{%- endmacro %}

{# A short text of this form. #}
{% macro shaped(text, form, longest=60) -%}
    case when length({{ text }}) <= {{ longest }} and {{ text }} ~ '{{ form }}' then {{ text }} when {{ text }} <> '' then 'other' end
{%- endmacro %}

{# A code that a configuration uses: the name of a form, a target, a kind of document. No blanks, and not nine digits, as phone numbers have. #}
{% macro code(text) -%}
    {{ shaped(text, '^[0-9]{0,4}_?[A-Za-z][0-9]{0,8}([A-Za-z_:.-][0-9]{0,8})*$') }}
{%- endmacro %}

{% macro sex(text) -%}
    {{ one_of('lower(' ~ text ~ ')', var('sexes').split()) }}
{%- endmacro %}

{# The name of an account, which is that of a health worker. CHT allows letters, digits, _ and -, older versions some more. #}
{% macro is_user_name(text) -%}
    {{ text }} ~ '^[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}$'
{%- endmacro %}
{% macro user_id(text) -%}
    case when {{ text }} ~ '^org[.]couchdb[.]user:[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}$' then {{ text }} end
{%- endmacro %}

{# What a device says of itself. A model has a digit in it: SM-A105F, Nokia C12. #}
{% macro version(text) -%}
    {{ shaped(text, '^v?[0-9]{1,4}([.][0-9]{1,6}){0,3}([.+-][A-Za-z0-9.+_-]+)?$') }}
{%- endmacro %}
{% macro device_model(text) -%}
    {{ shaped(text, '^(?=.*[0-9])(?!.*[0-9]{7})[A-Za-z0-9][A-Za-z0-9 ._()/+-]*$', 40) }}
{%- endmacro %}
{% macro device_manufacturer(text) -%}
    {{ one_of("lower(split_part(" ~ text ~ ", ' ', 1))", var('device_manufacturers').split()) }}
{%- endmacro %}

{#
The beginning of an error's first line, as far as it is made of words that errors are made of. What an error is about, from a name
to a whole document, comes after a quote, a brace, a bracket or a number, or is a word that is not known here.
#}
{% macro error_words(text) -%}
    coalesce(nullif(rtrim(substring({{ short(text) }} from '(?i)^(?:(?:[(]in promise[)]|{{ var("error_words").split() | join("|") | replace("'", "''") }})(?![[:alnum:]_])[ ,.:;-]*)+'), ' ,.:;-'), ''), 'other')
{%- endmacro %}
