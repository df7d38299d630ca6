-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': follow_form('pregnancy_home_visit', ['pregnancy_uuid'])},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('pregnancy_home_visit') }}
