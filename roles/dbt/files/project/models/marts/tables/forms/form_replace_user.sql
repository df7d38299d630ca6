-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': follow_form('replace_user', contacts=['replacement_uuid'])},
    indexes=[{'columns': ['patient_uuid']}],
) }}

{{ form_model('replace_user') }}
