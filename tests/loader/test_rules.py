"""Every rule of a real export: a row that breaks it is rejected, alone and with its reason."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from generator.loader.csv_records import BROKEN
from generator.loader.quarantine import RejectedError
from generator.loader.rules import Rules
from generator.loader.table_rules import (
    CHANGE_EXISTS,
    CHANGE_OF_NOBODY,
    CHANGE_OF_SIGNUP,
    DUPLICATE_CHANGE,
    EVENT_EXISTS,
    OTHER_SIGNUP,
    USER_EXISTS,
    event_rules,
    user_rules,
)
from generator.vocabulary import EVENT_TYPES
from tests.loader.desk import EVENT, EVENTS, USER, USERS, Desk, Row

NOT_A_TIME = "event_time is not a time such as 2025-01-31 13:45:00"
NOT_A_DATE = "signup_date is not a date such as 2025-01-31"
NO_TYPE = f"event_type is none of {', '.join(EVENT_TYPES)}"
COMMA = "has a comma (--decimal , reads it as the decimal mark)"
DAYS = "is outside 1970-01-01..2099-12-31"
INT32 = "is outside -2147483648..2147483647"
INT64 = "is outside -9223372036854775808..9223372036854775807"


def bad_dates(column: str) -> list[tuple[str, str]]:
    """Dates that only an option reads, with what is said of them."""
    found = [
        ("31.12.2025", "has the day first (--date-format '%d.%m.%Y' reads it)"),
        (" 1.2.2025 9:05", "has the day first (--date-format '%d.%m.%Y' reads it)"),
        ("31.12.25", "has the day first and a short year (--date-format '%d.%m.%y' reads it)"),
        ("31/12/2025 10:00", "has the day first (--date-format '%d/%m/%Y' reads it)"),
        ("12/31/2025", "has the month first (--date-format '%m/%d/%Y' reads it)"),
        (
            "01/02/2025",
            "has the day or the month first (--date-format '%d/%m/%Y' or '%m/%d/%Y' reads it)",
        ),
        ("31-12-2025", "has the day first (--date-format '%d-%m-%Y' reads it)"),
        ("12-31-2025", "has the month first (--date-format '%m-%d-%Y' reads it)"),
        (
            "01-02-2025",
            "has the day or the month first (--date-format '%d-%m-%Y' or '%m-%d-%Y' reads it)",
        ),
        ("2025/01/02", "has slashes (--date-format '%Y/%m/%d' reads it)"),
        ("20250102", "has no separators (--date-format '%Y%m%d' reads it)"),
        ("20250102T100000", "has a date and a time that --date-format has to spell out"),
        ("12/31/2024 9:05 PM", "has a date and a time that --date-format has to spell out"),
        ("NaT", "is a word for null (--null reads it)"),
    ]
    return [(text, f"{column} {reason}") for text, reason in found]


BAD_USERS: list[tuple[Row, str]] = [
    ({"user_id": ""}, "user_id is missing"),
    ({"user_id": "1e5"}, "user_id is not a whole number"),
    ({"user_id": "1.5"}, "user_id is not a whole number"),
    ({"user_id": "0x10"}, "user_id is not a whole number"),
    ({"user_id": "2147483648"}, f"user_id {INT32}"),
    ({"signup_date": "  "}, "signup_date is missing"),
    ({"signup_date": "2025-02-30"}, NOT_A_DATE),
    ({"signup_date": "2025-01-01 junk"}, NOT_A_DATE),
    ({"signup_date": "2025"}, NOT_A_DATE),
    *[({"signup_date": text}, reason) for text, reason in bad_dates("signup_date")],
    ({"signup_date": "0001-01-01"}, f"signup_date {DAYS}"),
    ({"signup_date": "2100-01-01"}, f"signup_date {DAYS}"),
    ({"valid_from": "soon"}, "valid_from is not a date such as 2025-01-31"),
    *[({"valid_from": text}, reason) for text, reason in bad_dates("valid_from")],
    ({"valid_from": "2100-01-01"}, f"valid_from {DAYS}"),
    ({"valid_from": "2024-12-31"}, "valid_from is before the user's signup_date"),
    ({"signup_date": "", "valid_from": "2025-02-01"}, CHANGE_OF_NOBODY.reason),
    ({"plan": ""}, "plan is missing"),
    ({"plan": "gold"}, "plan is not free or paid"),
    ({"is_paid": "yes"}, "is_paid is not 0 or 1"),
    ({"is_paid": "2"}, "is_paid is not 0 or 1"),
    ({"is_paid": "1"}, "is_paid is not what plan says"),
    ({"plan": "paid", "is_paid": "false"}, "is_paid is not what plan says"),
    ({"country": "\t "}, "country is missing"),
    ({"country": "I\0N"}, "country holds a NUL character"),
    ({"marketing_source": ""}, "marketing_source is missing"),
    ({"marketing_source": "\0"}, "marketing_source holds a NUL character"),
    ({"engagement_score": "high"}, "engagement_score is not a number"),
    ({"engagement_score": "NaN"}, "engagement_score is a word for null (--null reads it)"),
    (
        {"engagement_score": "0,5"},
        f"engagement_score {COMMA}",
    ),
    ({"engagement_score": "1.00001"}, "engagement_score is outside 0..1"),
    ({"user_id": "2.0", "country": "XX"}, "duplicate user_id"),
    ({"user_id": "2", "valid_from": "2025-01-01"}, DUPLICATE_CHANGE.reason),
    (
        {"user_id": "2", "signup_date": "2025-01-02", "valid_from": "2025-03-01"},
        CHANGE_OF_SIGNUP.reason,
    ),
]
BAD_EVENTS: list[tuple[Row, str]] = [
    ({"event_id": ""}, "event_id is missing"),
    ({"event_id": "1_000"}, "event_id is not a whole number"),
    ({"event_id": "9223372036854775808"}, f"event_id {INT64}"),
    ({"user_id": ""}, "user_id is missing"),
    ({"user_id": "one"}, "user_id is not a whole number"),
    ({"user_id": "-2147483649"}, f"user_id {INT32}"),
    ({"event_time": ""}, "event_time is missing"),
    ({"event_time": "1735689600"}, NOT_A_TIME),
    ({"event_time": "2025-01-02 24:00:00"}, NOT_A_TIME),
    ({"event_time": "2025-01-02 10:00:60"}, NOT_A_TIME),
    ({"event_time": "2025-01-02 10:00:00 junk"}, NOT_A_TIME),
    ({"event_time": "2025-01-02 10:00:00ZZ"}, NOT_A_TIME),
    ({"event_time": "epoch"}, NOT_A_TIME),
    ({"event_time": "infinity"}, f"event_time {DAYS}"),
    ({"event_time": "9999-12-31 23:59:59"}, f"event_time {DAYS}"),
    ({"event_time": "2099-12-31T23:30:00-01:00"}, f"event_time {DAYS}"),
    ({"event_type": ""}, "event_type is missing"),
    ({"event_type": "logout"}, NO_TYPE),
    ({"event_date": "tomorrow"}, "event_date is not a date such as 2025-01-31"),
    *[({"event_date": text}, reason) for text, reason in bad_dates("event_date")],
    *[({"event_time": text}, reason) for text, reason in bad_dates("event_time")],
    ({"event_date": "2025-01-03"}, "event_date is not the date of event_time"),
    ({"course_name": "a\0b"}, "course_name holds a NUL character"),
    ({"watch_minutes": "inf"}, "watch_minutes is not a number"),
    ({"watch_minutes": "1_0"}, "watch_minutes is not a number"),
    (
        {"watch_minutes": "1,5"},
        f"watch_minutes {COMMA}",
    ),
    ({"watch_minutes": " n/a "}, "watch_minutes is a word for null (--null reads it)"),
    ({"watch_minutes": "1e308"}, "watch_minutes is outside 0..1000000"),
    ({"watch_minutes": "-0.0001"}, "watch_minutes is outside 0..1000000"),
    ({"quiz_score": "1.2.3"}, "quiz_score is not a number"),
    ({"quiz_score": "nan"}, "quiz_score is a word for null (--null reads it)"),
    ({"quiz_score": "1e1,5"}, "quiz_score is not a number"),
    ({"quiz_score": ",5"}, f"quiz_score {COMMA}"),
    ({"quiz_score": "100.00001"}, "quiz_score is outside 0..100"),
    ({"amount": "x"}, "amount is not a number"),
    ({"amount": "None"}, "amount is a word for null (--null reads it)"),
    ({"amount": "1,5e2"}, f"amount {COMMA}"),
    ({"amount": "1.234,50"}, "amount is not a number"),
    ({"amount": "0"}, "amount is outside 0.0001..1000000000"),
    ({"amount": "0.00001"}, "amount is outside 0.0001..1000000000"),
    ({"amount": "0.0000499999999999999999999"}, "amount is outside 0.0001..1000000000"),
    ({"amount": "1000000000.001"}, "amount is outside 0.0001..1000000000"),
    ({"event_type": "payment_success"}, "amount is missing on a payment"),
    ({"user_id": "9"}, "user_id is not among the users"),
    ({"event_time": "2024-12-31 23:59:59"}, "event_time is before the user's signup_date"),
    ({"event_id": "011.0", "amount": "1"}, "duplicate event_id"),
]


def reasons(rules: Rules) -> set[str]:
    return {fault.reason for fault in rules.faults} - set(BROKEN)


def test_exactly_the_bad_users_are_rejected_each_with_its_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    bad = [USER | {"user_id": str(100 + n)} | change for n, (change, _) in enumerate(BAD_USERS)]
    report = desk.load(users=[*USERS, *bad, USER | {"user_id": "3"}], max_rejects=len(bad))
    assert desk.rejected() == [("users", n, reason) for n, (_, reason) in enumerate(BAD_USERS, 3)]
    assert (report.users_read, report.users_loaded) == (len(bad) + 3, 3)


def test_exactly_the_bad_events_are_rejected_each_with_its_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    bad = [EVENT | {"event_id": str(100 + n)} | change for n, (change, _) in enumerate(BAD_EVENTS)]
    report = desk.load([*EVENTS, *bad, EVENT | {"event_id": "13"}], max_rejects=len(bad))
    assert desk.rejected() == [("events", n, reason) for n, (_, reason) in enumerate(BAD_EVENTS, 4)]
    assert (report.events_read, report.events_loaded) == (len(bad) + 4, 4)
    assert desk.event_ids() == [10, 11, 12, 13]


@pytest.mark.parametrize(
    "bad",
    [
        {"users": [*USERS, USERS[0] | {"country": "XX"}]},
        {"events": [*EVENTS, EVENTS[0] | {"amount": "1"}]},
    ],
)
def test_one_bad_row_fails_the_load_by_default(tmp_path: Path, bad: dict[str, list[Row]]) -> None:
    with pytest.raises(RejectedError, match="1 of 6 rows rejected; at most 0 may be"):
        Desk(tmp_path).load(**bad)


@pytest.mark.parametrize("rules", [user_rules(), event_rules()], ids=["users", "events"])
def test_every_reason_has_a_row_above(rules: Rules) -> None:
    bad = BAD_USERS if rules is user_rules() else BAD_EVENTS
    with_append = (EVENT_EXISTS, USER_EXISTS, OTHER_SIGNUP, CHANGE_EXISTS)
    elsewhere = {fault.reason for fault in with_append} & reasons(rules)
    elsewhere |= {f"{column} is not what the name of its folder says" for column in rules.columns}
    assert {reason for _, reason in bad} == reasons(rules) - elsewhere


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2025-01-02 10:00:00", datetime(2025, 1, 2, 10)),
        ("2025-01-02T10:00:00Z", datetime(2025, 1, 2, 10)),
        ("2025-01-02T10:00", datetime(2025, 1, 2, 10)),
        (" 2025-01-02 10:00:00 UTC ", datetime(2025, 1, 2, 10)),
        ("2025-01-02 10:00:00.25", datetime(2025, 1, 2, 10, 0, 0, 250_000)),
        ("2025-01-02T10:00:00.250Z", datetime(2025, 1, 2, 10, 0, 0, 250_000)),
        ("2025-01-02 10:00:00.123456789", datetime(2025, 1, 2, 10, 0, 0, 123_456)),
        ("2025-01-02T10:00:00+05:30", datetime(2025, 1, 2, 4, 30)),
        ("2025-01-02 10:00:00+0530", datetime(2025, 1, 2, 4, 30)),
        ("2025-01-02T23:30:00-05", datetime(2025, 1, 3, 4, 30)),
        ("2025-01-02", datetime(2025, 1, 2)),
    ],
)
def test_times_are_stored_in_utc(tmp_path: Path, text: str, stored: datetime) -> None:
    desk = Desk(tmp_path)
    desk.load([EVENT | {"event_time": text}])
    assert desk.query("select event_time, event_date from raw.events") == [(stored, stored.date())]


def test_texts_are_trimmed_and_words_lowered(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    user = USER | {"user_id": " 1.0 ", "plan": " PAID", "is_paid": "True", "country": "\tI N "}
    user |= {"signup_date": "2025-01-01T23:30:00-05:00"}
    event = EVENT | {"event_id": "+7", "user_id": "01", "event_type": "Login ", "amount": " 5. "}
    event |= {"course_name": " k8s  mastery\n", "event_date": "2025-01-02 00:00:00"}
    desk.load([event], [user])
    assert desk.query("select * exclude engagement_score from raw.users") == [
        (1, date(2025, 1, 2), "paid", 1, "I N", "ads")
    ]
    assert desk.query(
        "select event_id, user_id, event_type, course_name, amount from raw.events"
    ) == [(7, 1, "login", "k8s  mastery", 5.0)]


def test_a_cell_without_anything_is_null_and_what_can_be_derived_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    event = EVENT | {"event_date": "", "course_name": "  ", "watch_minutes": " "}
    desk.load([event], [USER | {"is_paid": "", "engagement_score": ""}])
    assert desk.query("select is_paid, engagement_score from raw.users") == [(0, None)]
    assert desk.query("select event_date, course_name, watch_minutes from raw.events") == [
        (date(2025, 1, 2), None, None)
    ]


def test_the_first_reason_in_the_order_of_the_columns_is_given(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    all_wrong = dict.fromkeys(EVENT, "?")
    late = EVENT | {"event_type": "payment_failed", "event_date": "2025-01-01", "user_id": "9"}
    unknown = EVENT | {"user_id": "9", "event_time": "2020-01-01"}
    again = EVENT | {"event_time": "2020-01-01"}
    desk.load([EVENT, all_wrong, late, unknown, again], max_rejects=4)
    assert [reason for _, _, reason in desk.rejected()] == [
        "event_id is not a whole number",
        "event_date is not the date of event_time",
        "user_id is not among the users",
        "event_time is before the user's signup_date",
    ]


def test_of_rows_with_one_id_the_first_good_one_stays(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    bad = EVENT | {"event_type": "?"}
    first, second = EVENT | {"course_name": "first"}, EVENT | {"course_name": "second"}
    desk.load([bad, first, second], max_rejects=2)
    assert desk.query("select event_id, course_name from raw.events") == [(10, "first")]
    assert [row for _, row, _ in desk.rejected()] == [1, 3]


def test_the_events_of_a_rejected_user_are_rejected(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.load(users=[USERS[0], USERS[1] | {"plan": "?"}], max_rejects=2)
    assert desk.rejected() == [
        ("events", 3, "user_id is not among the users"),
        ("users", 2, "plan is not free or paid"),
    ]
