-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': follow_form('pregnancy_facility_visit_reminder', ['pregnancy_uuid'])},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('pregnancy_facility_visit_reminder') }}
