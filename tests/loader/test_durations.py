"""Durations in ISO 8601, as a unit of minutes watched."""

from __future__ import annotations

import json

from tests.loader.desk import Desk
from tests.loader.test_mapping import TEXT_KEYS, load_mapped

NO_DURATION = "watch_minutes is not a duration from weeks to seconds as in PT1H30M"
OUTSIDE = "watch_minutes is outside 0..1000000"
MINUTES: dict[str, float | str] = {
    "PT399S": 6.65,
    "PT1H0M0S": 60,
    " P1DT1H ": 1500,
    "P1W": 10080,
    "P1W2D": 12960,
    "PT36H": 2160,
    "PT0.5S": 0.0083,
    "PT0,5S": 0.0083,
    "PT1.5H": 90,
    "P0.5D": 720,
    "PT1H0.25M": 60.25,
    "PT60000000S": 1_000_000,
    "PT60000001S": OUTSIDE,
    "PT99999999999999S": OUTSIDE,
    "P" + "9" * 40 + "W": OUTSIDE,
    **dict.fromkeys(["P", "PT", "P1DT", "P1Y", "P1M", "PT1M1H", "PT1.5H1M", "-PT1S"], NO_DURATION),
    **dict.fromkeys(["pt1s", "PT1S1", "P1H", "PT1.S", "PT.5S", "1:30", "PT1S\u00a0"], NO_DURATION),
}


def test_durations_are_minutes_or_rejected(desk: Desk) -> None:
    text = TEXT_KEYS + 'watch_minutes = { from = "n", unit = "iso8601" }\n'
    row = {"user": "1", "ts": "2025-01-02"}
    rows = [json.dumps(row | {"id": n, "n": given}) for n, given in enumerate(MINUTES)]
    load_mapped(desk, text, [desk.file("e.jsonl", "\n".join(rows).encode())], max_rejects=99)
    found = dict(desk.query("select event_id, watch_minutes from raw.events"))
    found |= {number - 1: reason for _, number, reason in desk.rejected()}
    assert {given: found[n] for n, given in enumerate(MINUTES)} == MINUTES
