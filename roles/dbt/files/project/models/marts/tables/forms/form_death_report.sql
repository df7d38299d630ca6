-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': follow_form('death_report')},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('death_report') }}
