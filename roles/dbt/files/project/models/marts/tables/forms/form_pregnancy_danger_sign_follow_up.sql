-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': follow_form('pregnancy_danger_sign_follow_up', ['pregnancy_uuid', 'source_uuid'], contacts=['source_uuid'])},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('pregnancy_danger_sign_follow_up') }}
