-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# Whether a death, a row of fct_death, was maternal: in pregnancy, or within 42 days of its end. #}
{% macro is_maternal(death) -%}
    (
        exists (
            select from {{ ref('fct_pregnancy') }} pregnancy
            where pregnancy.patient_uuid = {{ death }}.patient_uuid
              and pregnancy.outcome in ('delivery', 'miscarriage', 'abortion', 'death')
              and {{ death }}.died between pregnancy.ended and pregnancy.ended + 42
        )
        or exists (
            select from {{ ref('form_delivery') }} delivery
            where delivery.patient_uuid = {{ death }}.patient_uuid
              and {{ death }}.died between delivery.delivered and delivery.delivered + 42
        )
    )
{%- endmacro %}
