-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Feedback by day and error.
{{ config(
    unique_key='key',
    indexes=[{'columns': ['day']}],
    meta={'follows': {
        'feedback': {
            'reads': ['uuid', 'saved_timestamp', 'period_start', 'user_name', 'source', 'message'],
            'keys': 'select ' ~ feedback_key() ~ ' from changed where ' ~ feedback_is_dated(),
        },
    }},
) }}

with feedback as (
    select
        m.instance,
        f.user_name,
        {{ feedback_key() }} as key,
        {{ local_day(moment_of('period_start')) }} as day,
        {{ feedback_source() }} as source,
        {{ feedback_message() }} as message
    from {{ ref('feedback') }} f
    join {{ ref('document_metadata') }} m on m.uuid = f.uuid
    {%- if is_incremental() %}
    -- A day of var time_zone is part of three of the text's at most.
    join (select distinct (key::jsonb ->> 0)::date + part as text_day from stale_keys, generate_series(-1, 1) part) stale
        on period_start collate "C" >= to_char(text_day, 'YYYY-MM-DD') and period_start collate "C" < to_char(text_day + 1, 'YYYY-MM-DD')
    {%- endif %}
    where {{ feedback_is_dated() }}
)

select
    key,
    day,
    source,
    message,
    count(*) as feedbacks,
    count(distinct (instance, user_name)) filter (where user_name is not null) as users
from feedback
where {{ is_stale('key') }}
group by key, day, source, message
