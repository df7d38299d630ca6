-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': {'fct_report': follow_form('pregnancy_danger_sign')}},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('pregnancy_danger_sign') }}
