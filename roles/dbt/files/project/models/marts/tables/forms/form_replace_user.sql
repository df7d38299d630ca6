-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': {'fct_report': follow_form('replace_user')}},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('replace_user') }}
