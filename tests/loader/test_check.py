"""--check says what a load would do, and does nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.loader.check import CheckReport, check_files
from generator.loader.mapping_file import read_mapping
from generator.loader.text_format import TextFormat
from tests.conftest import ROOT, Elearn
from tests.loader.desk import EVENTS, USERS, Desk
from tests.loader.test_mapping import load_mapped

MAPPING = """
user_key = "text"
[events]
event_id = "id"
user_id = { from = "user", missing = "ignore" }
event_time = "ts"
event_type = { from = "verb", values = { "in" = "login" }, others = "ignore" }
"""
ROWS: list[dict[str, Any]] = [
    {"id": 1, "user": "a", "ts": "2025-01-02", "verb": "in"},
    {"id": 1, "user": "a", "ts": "2025-01-02", "verb": "in"},
    {"id": 2, "user": "b", "ts": "2025-01-04", "verb": "in"},
    {"id": 3, "user": "b", "ts": "2025-01-04", "verb": "out"},
    {"id": 4, "user": "", "ts": "2025-01-04", "verb": "in"},
    {"id": 5, "user": "c", "ts": "soon", "verb": "in"},
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def check(desk: Desk, mapping: str, file: str, **options: Any) -> CheckReport:
    found = read_mapping(desk.file("mapping.toml", mapping.encode()))
    text_format = TextFormat.of(found, [], None, None, None)
    return check_files(
        desk.warehouse, [], [file], mapping=found, text_format=text_format, **options
    )


@pytest.mark.parametrize("exists", [False, True])
def test_the_counts_are_those_of_the_load_and_nothing_is_written(desk: Desk, exists: bool) -> None:
    file = desk.file("events.jsonl", lines(ROWS))
    if exists:
        load_mapped(desk, MAPPING, [desk.file("old.jsonl", lines(ROWS[:1]))])
    before = {path: path.read_bytes() for path in desk.folder.iterdir()}
    report = check(desk, MAPPING, file, append=exists, max_rejects=1)
    mapping = desk.folder / "mapping.toml"
    assert {path: path.read_bytes() for path in desk.folder.iterdir()} == before | {
        mapping: mapping.read_bytes()
    }
    assert report.event_types == (
        ("in", "login", 3),
        ("in", "ignored", 1),
        ("in", "rejected", 1),
        ("out", "ignored", 1),
    )
    assert report.unmapped_values == (("event_type", "out", 1),)
    assert report.rows_without_user == 1
    assert report.refusal is None
    loaded = load_mapped(desk, MAPPING, [file], append=exists, max_rejects=1).as_dict()
    assert {name: loaded[name] for name in report.counts} == report.counts
    assert report.counts["events_repeated"] == (2 if exists else 1)


def test_users_with_and_without_events_and_the_days_are_told(desk: Desk) -> None:
    users, events = desk.file("users.csv", USERS), desk.file("events.csv", EVENTS[:2])
    report = check_files(desk.warehouse, [users], [events])
    assert (report.users_with_events, report.users_without_events) == (1, 1)
    assert (report.first_day, report.last_day) == ("2025-01-02", "2025-01-02")
    assert report.event_types == (("login", "login", 1), ("video_watch", "video_watch", 1))


def test_what_a_load_would_refuse_is_refused_after_the_report(
    elearn: Elearn, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    desk.file("mine.toml", MAPPING.encode())
    desk.file("e.jsonl", lines(ROWS))
    done = elearn(
        "load", "--check", "--json", "--mapping", "mine.toml", "--events", "e.jsonl", check=False
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["events_rejected"] == 1
    assert done.stderr.splitlines()[-1].startswith("Error: 1 of 6 rows rejected")
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_a_load_without_any_event_left_is_refused_in_one_line(
    elearn: Elearn, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    desk.file("mine.toml", MAPPING.replace('"in"', '"off"').encode())
    desk.file("e.jsonl", lines(ROWS))
    files = ("--quiet", "--mapping", "mine.toml", "--events", "e.jsonl")
    done = elearn("load", *files, "--max-rejects", "9", check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "Error: all 6 events ignored or rejected; a load that replaces needs one;"
        " nothing was changed\n"
    )


def test_the_values_found_are_ready_to_paste_into_a_mapping_without_any(desk: Desk) -> None:
    plain = MAPPING.replace(', values = { "in" = "login" }, others = "ignore"', "")
    rows = [*ROWS, {"id": 9, "user": "z", "ts": "2025-01-09", "verb": 'a "\\\u00e9\tb'}]
    file = desk.file("e.jsonl", lines(rows))
    report = check(desk, plain, file)
    assert report.refusal is not None
    head, _, _ = plain.partition("event_type")
    pasted = head + "\n".join(report.paste).replace('"in" = ""', '"in" = "login"')
    again = check(desk, pasted, file, max_rejects=9)
    assert {row[:2] for row in again.event_types} >= {("in", "login")}
    assert again.paste == ()


def test_a_path_that_no_line_has_is_a_warning(desk: Desk) -> None:
    text = MAPPING + 'course_name = "context.course"\n'
    report = check(desk, text, desk.file("e.jsonl", lines(ROWS[:3])))
    assert report.warnings == ("events: no line has context.course for course_name",)


def test_a_path_is_looked_for_in_lines_that_the_engine_does_not_read_too(desk: Desk) -> None:
    text = MAPPING + 'course_name = "context.course"\nwatch_minutes = "gone"\n'
    row = ROWS[0] | {"id": 9, "ts": "soon", "context": {"course": "x"}}
    file = desk.file("e.jsonl", b"\xef\xbb\xbf" + lines([ROWS[0], row]))
    report = check(desk, text, file, max_rejects=1)
    assert report.warnings == ("events: no line has gone for watch_minutes",)


@pytest.mark.parametrize("exists", [False, True])
def test_days_far_from_any_event_are_a_warning_of_check_and_load_alike(
    desk: Desk, exists: bool
) -> None:
    late = [row | {"id": row["id"] + 10, "ts": "2028-01-05"} for row in ROWS[:3]]
    if exists:
        load_mapped(desk, MAPPING, [desk.file("old.jsonl", lines(ROWS[:3]))])
    file = desk.file("e.jsonl", lines(late if exists else ROWS[:3] + late))
    report = check(desk, MAPPING, file, append=exists)
    assert report.warnings[0].startswith("no event between 2025-01-04 and 2028-01-05: days in")
    assert load_mapped(desk, MAPPING, [file], append=exists).warnings == report.warnings
    assert check(desk, MAPPING, file).warnings == (() if exists else report.warnings)


def test_a_user_that_the_mapping_takes_for_none_is_no_user(desk: Desk) -> None:
    text = MAPPING.replace('from = "user"', 'from = "user", values = { "b" = "" }')
    report = check(desk, text, desk.file("e.jsonl", lines(ROWS)), max_rejects=1)
    assert (report.rows_without_user, report.counts["events_ignored"]) == (3, 3)


def test_the_shipped_samples_check_clean(desk: Desk) -> None:
    for name in ("moodle", "openedx", "segment", "xapi"):
        [file] = (ROOT / "examples" / "exports").glob(f"{name}.*")
        found = read_mapping(name)
        text_format = TextFormat.of(found, [], None, None, None)
        report = check_files(
            desk.warehouse, [], [str(file)], mapping=found, text_format=text_format
        )
        assert report.refusal is None
        assert report.users_without_events == 0
