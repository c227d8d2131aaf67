"""Mappings and JSON lines that nobody should write: one line, the right exit code, nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.errors import UsageError
from generator.loader.mapping_file import read_mapping
from tests.loader.desk import Desk
from tests.loader.test_mapping import load_mapped

PLAIN = """
[events]
event_id = "id"
user_id = "u"
event_time = "t"
event_type = { default = "login" }
course_name = "a.b"
"""
ROW = '"u":1,"t":"2025-01-01"'
SQL = "x'); drop table raw.users; --"

WRONG: list[tuple[str, str, str]] = [
    ("[events]", "[event]", "event is not allowed; give days_in, user_key, null, decimal, users"),
    ("[events]", "days_in = 'Mars'\n[events]", "days_in 'Mars' is not allowed; give an IANA zone"),
    ("[events]", "user_key = 'x'\n[events]", "user_key 'x' is not allowed; give integer or text"),
    ("[events]", "null = 'x'\n[events]", "null 'x' is not allowed; give a list of texts"),
    ("[events]", "decimal = ';'\n[events]", "decimal ';' is not allowed; give . or ,"),
    ("[events]", "users = 3\n[events]", "users '3' is not allowed; give a table [users]"),
    ("[events]", "[users]\nplan = 'x'\n[events]", "[users] plan has a from; without user_id"),
    (
        "[events]",
        "[users]\nengagement_score = { default = 0.5 }\n[events]",
        "[users] engagement_score is not allowed without user_id",
    ),
    (
        '{ default = "login" }',
        '{ from = "k", others = "gone" }',
        "[events] event_type.others 'gone' is not allowed; give login, course_enroll, video_watch,"
        " quiz_attempt, payment_success, payment_failed, support_ticket, default, ignore, reject",
    ),
    ('user_id = "u"\n', "", "[events] user_id is missing; raw needs it"),
    ('"t"', '{ fromat = "t" }', "[events] event_time.fromat is not allowed; give from, values"),
    ('"t"', '{ from = "t", format = "%d" }', "[events] event_time.format '%d' is not allowed"),
    ('"t"', '{ from = "t", timezone = "X" }', "[events] event_time.timezone 'X' is not allowed"),
    ('"t"', "[3]", "[events] event_time '[3]' is not allowed; give a name or a table"),
    ('"t"', "{ from = [3] }", "[events] event_time.from '3' is not allowed; give a column"),
    ('"id"', '{ from = "a", hash = "b" }', "[events] event_id needs one of from and hash"),
    ('"login"', '"logn"', "[events] event_type.default 'logn' is not allowed; give login, "),
    ("course_name", "event_date", "[events] event_date is never mapped; map event_time"),
    ("course_name", "only", "[events] only 'a.b' is not allowed; give columns, each with a list"),
    ('"a.b"', '{ default = "\\u0000" }', "[events] course_name.default '\\x00' is not allowed"),
    ('"a.b"', '{ from = "a", values = { "\\u0000" = "" } }', "[events] course_name.values '\\x00'"),
    (
        "[events]",
        'null = ["\\u0000"]\n[events]',
        "null \"['\\\\x00']\" is not allowed; give a list",
    ),
    ('"a.b"', '{ from = "a", unit = "cents" }', "[events] course_name.unit is not allowed"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[new for _, new, _ in WRONG])
def test_a_wrong_key_is_named_with_its_file_its_table_and_what_is_allowed(
    desk: Desk, old: str, new: str, message: str
) -> None:
    file = desk.file("mine.toml", PLAIN.replace(old, new, 1).encode())
    with pytest.raises(UsageError) as error:
        read_mapping(file)
    assert str(error.value).startswith(f"{file}: {message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\0\xff\xfe",
        b'x = "' + b"a" * 10_000_000 + b'"',
        b"a =",
        b"x = " + b"[" * 50_000,
        b"a" + b" . 'b'.\"c\"" * 100_000 + b" = 1",
    ],
    ids=["binary", "10 MB", "cut", "deep", "long key"],
)
def test_what_is_no_mapping_is_one_line(desk: Desk, content: bytes) -> None:
    with pytest.raises(UsageError) as error:
        read_mapping(desk.file("mine.toml", content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["", "a\0b", ".", "nowhere.toml", "x" * 5000])
def test_what_is_no_file_is_no_mapping(name: str) -> None:
    with pytest.raises(UsageError, match="give a TOML file, or one of moodle"):
        read_mapping(name)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_names_and_values_of_a_mapping_never_become_sql(desk: Desk, kind: str) -> None:
    q = json.dumps(SQL)
    text = f"""
    null = [{q}]
    [events]
    event_id = {{ hash = ["id", {q}] }}
    user_id = "u"
    event_time = "t"
    course_name = {{ from = {q}, values = {{ "7" = {q} }}, others = {q} }}
    event_type = {{ from = {q}, values = {{ {q} = "login" }}, others = "login" }}
    [events.only]
    {q} = [{q}, "7"]
    """
    row = {"id": "1", "u": "1", "t": "2025-01-01", SQL: "7"}
    lines = (json.dumps(SQL), json.dumps(row))
    content = f"id,u,t,{lines[0]}\n1,1,2025-01-01,7\n" if kind == "csv" else lines[1]
    load_mapped(desk, text, [desk.file(f"e.{kind}", content.encode())])
    assert desk.query("select course_name from raw.events") == [(SQL,)]


def deep(opening: str, inner: str, closing: str) -> str:
    return opening * 10_000 + inner + closing * 10_000


LINES: list[tuple[str, Any]] = [
    (deep("[", "", "]"), None),
    (deep('{"b":', "1", "}"), "course_name is an object or a list where a value is wanted"),
    ('{"b":"x","b":"y"}', ("x",)),
    ('"text"', None),
    ('"{\\"b\\":\\"inside\\"}"', ("inside",)),
    ('{"b":null}', None),
    ('{"b":" "}', None),
    ('{"b":true}', ("true",)),
    ('{"b":1.50}', ("1.50",)),
    ('{"b":12345678901234567890123}', ("12345678901234567890123",)),
    ('{"b":NaN}', ("NaN",)),
    ('{"b":[1]}', "course_name is an object or a list where a value is wanted"),
    ('{"b":"\\u0000"}', "course_name holds a NUL character"),
    ('{"b":"\\ud800"}', "the line is not JSON"),
    ('{"b":"x"', "the line is not JSON"),
    ('{"b":"x",}', "the line is not JSON"),
    ('{"b":["x", ]}', "the line is not JSON"),
    ('{"b":"x,}\\",]"}', ('x,}",]',)),
    ('"{\\u0022b\\u0022:5}"', ("5",)),
    ('{"b":"' + "x" * 5_000_000 + '"}', "the line is longer than 4,000,000 characters"),
]


def test_every_line_is_stored_or_rejected_with_its_number_and_its_reason(desk: Desk) -> None:
    lines = [f'{{"id":{n},{ROW},"a":{value}}}' for n, (value, _) in enumerate(LINES, 1)]
    file = desk.file("e.jsonl", "\n\n".join([*lines, "[1]", ""]).encode("utf-8"))
    report = load_mapped(desk, PLAIN, [file], max_rejects=99)
    expected = dict(enumerate((outcome for _, outcome in LINES), 1))
    rejected = {n: reason for n, reason in expected.items() if isinstance(reason, str)}
    rejected[len(LINES) + 1] = "the line is no JSON object"
    assert {number: reason for _, number, reason in desk.rejected()} == rejected
    stored = desk.query("select event_id, course_name from raw.events order by event_id")
    assert stored == [
        (n, outcome[0] if outcome else None)
        for n, outcome in expected.items()
        if not isinstance(outcome, str)
    ]
    assert report.events_read == len(LINES) + 1


def test_text_ids_that_differ_in_case_are_two_and_blanks_around_them_are_none(desk: Desk) -> None:
    rows = [f'{{"id":{n},"u":{u},"t":"2025-01-01"}}' for n, u in enumerate(['"a"', '"A"', '"a "'])]
    file = desk.file("e.jsonl", "\n".join(rows).encode())
    report = load_mapped(desk, 'user_key = "text"\n' + PLAIN, [file])
    assert report.users_created == 2
