-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- How many documents there are of each kind, by the day on which their last change was stored. Kept by tally, since a
-- recount would read every document.
{{ config(
    unique_key=['day', 'instance', 'dbname', 'doc_type'],
    pre_hook='{{ open_tally(ref("document_metadata")) }}',
    post_hook='{{ close_tally() }}',
) }}

{% if only_tallied(ref('document_metadata')) %}
select day, instance, dbname, doc_type, (coalesce(kept.documents, 0) + changed.documents)::bigint as documents
from (
    select day, instance, dbname, doc_type, sum(documents) as documents from {{ tally() }} group by 1, 2, 3, 4
) changed
left join {{ this }} kept using (day, instance, dbname, doc_type)
where changed.documents <> 0
{% else %}
{{ tallied(ref('document_metadata'), 1) }}
{% endif %}
