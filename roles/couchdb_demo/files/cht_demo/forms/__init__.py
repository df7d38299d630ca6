# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders reports: one function per form of the default configuration.

Field names and nesting are those of CHT Core's config/default (read 2026-11); every value in `fields` is
a string, and unanswered questions are empty strings.
"""

from __future__ import annotations

from typing import Callable, Dict

from cht_demo.forms import antenatal, postnatal, vital
from cht_demo.forms.common import envelope
from cht_demo.model import Document, Report

FIELDS: Dict[str, Callable[[Report], Document]] = {
    "pregnancy": antenatal.pregnancy,
    "pregnancy_home_visit": antenatal.pregnancy_home_visit,
    "pregnancy_facility_visit_reminder": antenatal.pregnancy_facility_visit_reminder,
    "pregnancy_danger_sign": antenatal.pregnancy_danger_sign,
    "pregnancy_danger_sign_follow_up": antenatal.pregnancy_danger_sign_follow_up,
    "delivery": postnatal.delivery,
    "pnc_danger_sign_follow_up_mother": postnatal.pnc_danger_sign_follow_up_mother,
    "pnc_danger_sign_follow_up_baby": postnatal.pnc_danger_sign_follow_up_baby,
    "death_report": vital.death_report,
    "undo_death_report": vital.undo_death_report,
    "replace_user": vital.replace_user,
}


def report_document(report: Report) -> Document:
    """The `data_record` document of a report."""
    return envelope(report, FIELDS[report.form](report))
