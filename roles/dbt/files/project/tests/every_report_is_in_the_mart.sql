-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Reports that the mart lacks, and messages that it holds: a data_record without a form is one.
select r.uuid
from {{ ref('data_record') }} r
left join {{ ref('fct_report') }} m on m.uuid = r.uuid
where (m.uuid is null) = (nullif(r.form, '') is not null)
