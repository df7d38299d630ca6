# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's events are the recorded ones: what cht_event.rb is tested with is what the real Logstash gives it."""

import json
from decimal import Decimal

from shaping import FEED, SCRIPT, of_changes, recorded_body


def exact(text):
    """Parsed without rounding."""
    return json.loads(text, parse_float=Decimal)


def test_the_stand_in_makes_the_recorded_events_of_the_feed(tmp_path):
    """Without a script's work: so the Event class and the input are the real ones' in what the script sees."""
    (tmp_path / "none.rb").write_text("def filter(event)\n  [event]\nend\n", encoding="utf-8")
    made, recorded = exact(of_changes(FEED, tmp_path / "none.rb")), exact(recorded_body("43-batch-unfiltered-keep.http"))
    for one in made + recorded:
        assert one.pop("@timestamp")
    assert made == recorded


def test_a_script_that_raises_lets_the_event_through_as_recorded(tmp_path):
    raising = SCRIPT.read_text(encoding="utf-8").replace("def filter(event)\n", 'def filter(event)\n  raise "boom" if event.get("doc")\n')
    (tmp_path / "raises.rb").write_text(raising, encoding="utf-8")
    made, recorded = (json.loads(body) for body in (of_changes("".join(FEED.splitlines(True)[:2]), tmp_path / "raises.rb"), recorded_body("45-batch-script-raised.http")))
    del recorded[1]["source"]
    for one in (made[0], recorded[0]):
        assert one.pop("@timestamp")
    assert made == recorded
