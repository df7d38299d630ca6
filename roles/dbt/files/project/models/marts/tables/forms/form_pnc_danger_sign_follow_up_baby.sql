-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': {'fct_report': follow_form('pnc_danger_sign_follow_up_baby')}},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('pnc_danger_sign_follow_up_baby') }}
