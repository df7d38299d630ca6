# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A time zone that does not exist is refused, by the list of the machine, which is this one."""

from playing import refusals

GOOD = ("Africa/Nairobi", "UTC", "America/Argentina/Buenos_Aires")
BAD = ("Mars/Olympus", "Africa", "zone.tab", "../zoneinfo/UTC", "africa/nairobi", "EAT+3:00")


def test_only_what_is_there_is_a_time_zone(tmp_path):
    hosts = {f"host{number}": {"cht_sync_timezone": zone} for number, zone in enumerate(GOOD + BAD)}
    told, _said = refusals(tmp_path, hosts, [{"include_role": {"name": "cht.sync.base", "tasks_from": "time_zone"}}])
    assert {hosts[name]["cht_sync_timezone"] for name in told} == set(BAD)
    assert all("which is no time zone of host" in text and "timedatectl list-timezones" in text for text in told.values())
