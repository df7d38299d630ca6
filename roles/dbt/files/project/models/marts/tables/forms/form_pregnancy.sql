-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': follow_form('pregnancy')},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('pregnancy') }}
