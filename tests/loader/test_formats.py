"""Every format that a load accepts, held to what plain Python makes of the same texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from generator.vocabulary import EVENT_TYPES
from tests.drawing import drawn
from tests.loader.desk import EVENT, EVENTS, USER, Desk

BLANKS = " \t\n\v\f\r"
EARLY_USERS = [
    USER | {"user_id": number, "signup_date": "1970-01-01"} for number in ("1", "2", "-2147483648")
]


def stored(desk: Desk, column: str, texts: Sequence[str], **others: str) -> list[Any]:
    """Load an event for each text of a column; return what is stored, in their order."""
    event = EVENT | others
    rows = [event | {"event_id": str(n)} | {column: text} for n, text in enumerate(texts)]
    desk.load(rows, EARLY_USERS)
    return [value for (value,) in desk.query(f"select {column} from raw.events order by event_id")]


def rejected_texts(
    desk: Desk, column: str, texts: Sequence[str], reason: str, **others: str
) -> list[str]:
    """Load an event for each text of a column; return the texts that are rejected for a reason."""
    event = EVENT | others
    rows = [event | {"event_id": str(n)} | {column: text} for n, text in enumerate(texts)]
    desk.load([*rows, EVENTS[1] | {"event_id": "1000"}], EARLY_USERS, max_rejects=len(texts))
    return [texts[row - 1] for _, row, why in desk.rejected() if why.startswith(reason)]


WHOLE = ["1", "+2", "003", "4.0", "5.", "6.000", "+07.0", "-8", "-009.0", "-0", "10"]
WHOLE += [f"{blank}{number}{blank}\n" for number, blank in enumerate(BLANKS, 100)]
WHOLE += [str(2**63 - 1), str(-(2**63)), "1000000000000.0"]


def test_whole_numbers(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    rows = [EVENT | {"event_id": text, "course_name": f"{n}"} for n, text in enumerate(WHOLE)]
    desk.load(rows, EARLY_USERS)
    found = desk.query("select event_id from raw.events order by cast(course_name as integer)")
    assert [value for (value,) in found] == [int(Decimal(text.strip())) for text in WHOLE]


def test_whole_numbers_that_name_a_user(tmp_path: Path) -> None:
    texts = ["1", "1.0", "+1", " 2", "02.00", "-2147483648", "-2147483648.0"]
    found = stored(Desk(tmp_path), "user_id", texts)
    assert found == [int(Decimal(text)) for text in texts]


FLAGS = {
    True: ["1", "1.0", "1.", "+1", "01", "true", "True", "TRUE", " 1 ", "\ttrue\n"],
    False: ["0", "0.0", "0.", "-0", "00", "false", "False", "FALSE", " 0 ", "\vfalse\f"],
}


def test_flags_agree_with_the_plan_they_mean_and_with_no_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    cases = [(text, flag) for flag, texts in FLAGS.items() for text in texts]
    users = [
        USER | {"user_id": str(n), "is_paid": text, "plan": "paid" if flag == right else "free"}
        for right in (True, False)
        for n, (text, flag) in enumerate(cases, 1 if right else 1001)
    ]
    desk.load(users=users, max_rejects=len(cases) + len(EVENTS))
    found = desk.query("select user_id, is_paid from raw.users order by user_id")
    assert found == [(n, int(flag)) for n, (_, flag) in enumerate(cases, 1)]
    reasons = {reason for table, _, reason in desk.rejected() if table == "users"}
    assert reasons == {"is_paid is not what plan says"}


DATES = {
    "2025-01-31": date(2025, 1, 31),
    "2024-02-29": date(2024, 2, 29),
    "1970-01-01": date(1970, 1, 1),
    "2099-12-31": date(2099, 12, 31),
    "\t2025-01-31 ": date(2025, 1, 31),
    "2025-01-31 00:00": date(2025, 1, 31),
    "2025-01-31 23:59:59.999999": date(2025, 1, 31),
    "2025-01-31T12:00:00Z": date(2025, 1, 31),
    "2025-01-31T23:30:00-03:30": date(2025, 2, 1),
    "2025-01-31T20:29:59-03:30": date(2025, 1, 31),
    "2025-02-01 05:29:59+05:30": date(2025, 1, 31),
    "2025-02-01 05:30:00+05:30": date(2025, 2, 1),
    "1969-12-31T23:00:00-01:00": date(1970, 1, 1),
}


def test_dates_with_a_time_of_day_are_days_in_utc(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    users = [USER | {"user_id": f"{n}", "signup_date": text} for n, text in enumerate(DATES)]
    desk.load([EVENT | {"user_id": "0", "event_time": "2025-02-01"}], users)
    found = desk.query("select signup_date from raw.users order by user_id")
    assert [day for (day,) in found] == list(DATES.values())


def test_a_date_beside_a_time_is_read_like_any_other(tmp_path: Path) -> None:
    texts = [text for text, day in DATES.items() if day == date(2025, 1, 31)]
    days = stored(Desk(tmp_path), "event_date", texts, event_time="2025-01-31 10:00:00")
    assert days == [date(2025, 1, 31)] * len(texts)


def offset(sign: str, hours: int, minutes: int | None, colon: str = ":") -> str:
    return f"{sign}{hours:02}" + ("" if minutes is None else f"{colon}{minutes:02}")


def in_utc(stamp: datetime, sign: str, hours: int, minutes: int | None) -> datetime:
    """Return the moment in UTC of a clock that is ahead of it (+) or behind it (-)."""
    ahead = timedelta(hours=hours, minutes=minutes or 0)
    return stamp - ahead if sign == "+" else stamp + ahead


def test_every_offset_is_taken_off_hours_and_minutes_alike(tmp_path: Path) -> None:
    stamp = datetime(2025, 1, 2, 10, 20, 30)
    offsets = [
        (sign, hours, minutes)
        for sign in "+-"
        for hours in range(16)
        for minutes in (None, 0, 1, 30, 45, 59)
    ]
    expected = {
        f"2025-01-02{between}10:20:30{blank}{offset(*each, colon)}": in_utc(stamp, *each)
        for each in offsets
        for between in " T"
        for blank in ("", " ")
        for colon in ("", ":")
    }
    found = stored(Desk(tmp_path), "event_time", list(expected))
    assert dict(zip(expected, found, strict=True)) == expected


STAMPS = st.datetimes(datetime(1971, 1, 1), datetime(2098, 12, 31))


@st.composite
def written_times(draw: st.DrawFn) -> tuple[str, datetime]:
    """A time as some export writes it, and what it is in UTC."""
    stamp = draw(STAMPS)
    digits = draw(st.integers(0, 9))
    if draw(st.booleans()):
        stamp, clock = stamp.replace(second=0, microsecond=0), f"{stamp:%H:%M}"
    elif not digits:
        stamp, clock = stamp.replace(microsecond=0), f"{stamp:%H:%M:%S}"
    else:
        fraction = f"{stamp.microsecond:06}{draw(st.integers(0, 999)):03}"[:digits]
        stamp = stamp.replace(microsecond=int(f"{fraction:0<6}"[:6]))
        clock = f"{stamp:%H:%M:%S}.{fraction}"
    text = f"{stamp:%Y-%m-%d}{draw(st.sampled_from(' T'))}{clock}{draw(st.sampled_from(['', ' ']))}"
    zone = draw(st.sampled_from(["", "Z", "z", "UTC", "GMT", "+", "-", "-", "-"]))
    if zone not in ("+", "-"):
        return text + zone, stamp
    hours, minutes = draw(st.integers(0, 15)), draw(st.none() | st.integers(0, 59))
    text += offset(zone, hours, minutes, draw(st.sampled_from(["", ":"])))
    return text, in_utc(stamp, zone, hours, minutes)


@drawn(few=4, many=12, shrink=False, cases=st.lists(written_times(), min_size=60, max_size=60))
def test_times_of_any_spelling(tmp_path: Path, cases: list[tuple[str, datetime]]) -> None:
    desk = Desk(tmp_path)
    assert stored(desk, "event_time", [text for text, _ in cases]) == [time for _, time in cases]
    days = desk.query("select event_date from raw.events order by event_id")
    assert [day for (day,) in days] == [time.date() for _, time in cases]


NO_ZONES = ["+16:00", "-16", "+5:30", "+05:60", "-05:3", "05:30", "+", "-", "+05 30", "+05:30x"]
NO_ZONES += ["+053", "--05:30", "+-05", " PST", "Europe/Berlin", "[UTC]", " +05:30 Z", "+05:30:00"]
NO_TIMES = [f"2025-01-02 10:00:00{zone}" for zone in NO_ZONES]
NO_TIMES += ["2025-02-29", "2025-13-01", "2025-01-32 10:00", "2025-1-2 10:00", "2025-01-02 1:00"]
NO_TIMES += ["2025-01-02 10", "2025-01-02  10:00", "2025-01-02t10:00", "2025-01-02 10:60"]
NO_TIMES += ["2025-01-02 10:00:00.", "2025-01-02 10:00.5", "02.01.2025 10:00", "20250102T100000"]


def test_what_is_no_time_is_rejected(tmp_path: Path) -> None:
    assert rejected_texts(Desk(tmp_path), "event_time", NO_TIMES, "event_time ") == NO_TIMES


def test_words_in_any_case_with_blanks_around_them(tmp_path: Path) -> None:
    spellings: list[Callable[[str], str]] = [str, str.upper, str.title, f"{BLANKS}{{}}\t".format]
    texts = [spelling(word) for spelling in spellings for word in EVENT_TYPES]
    found = stored(Desk(tmp_path), "event_type", texts, amount="1")
    assert found == [text.strip().lower() for text in texts]


def test_words_that_only_look_like_one_are_rejected(tmp_path: Path) -> None:
    texts = [
        "log in",
        "logins",
        "LOG\u0130N",
        "log\u0131n",
        "\u00a0login",
        "video-watch",
        "payment",
    ]
    found = rejected_texts(Desk(tmp_path), "event_type", texts, "event_type is none of")
    assert found == texts


NAMES = [
    "k8s",
    " a  b ",
    f"{BLANKS}x{BLANKS}",
    "Ünïcode 数学 🎓",
    "\u00a0kept\u00a0",
    "a\tb\nc",
    "0",
]
NAMES += ["it's", 'say "hi"', "a,b;c", "\\", "1.0", "true", "x" * 10_000, "'; drop table x; --"]


def test_names_are_trimmed_of_blanks_and_of_nothing_else(tmp_path: Path) -> None:
    found = stored(Desk(tmp_path), "course_name", NAMES)
    assert found == [text.strip(BLANKS) for text in NAMES]


MEASURES = ["0", "-0", "7", "+7", "007.50", "7.", ".5", "0.00005", "0.0000499999", "0.00015", " 7 "]
MEASURES += ["99.99995", "12.34565", "12.34564999", "100", "100.0000", "\t1.25\n", "33.33333333333"]
WITH_EXPONENT = ["1e2", "1E+2", "1e-4", "5e-05", "4.9e-5", "9.1e-06", "1.23456e1", ".5e1", "5.e0"]
WITH_EXPONENT += ["0e9", "0.0000001e9", "100000e-3", "+2.5E+1", "9.999949e1", "1e-400"]
LIMITS = {"watch_minutes": 1_000_000, "quiz_score": 100, "amount": 1_000_000_000}


def rounded(text: str) -> float:
    """Return the number to four decimals; one with an exponent is a double before that."""
    exact = Decimal(repr(float(text)) if "e" in text.lower() else text.strip())
    return float(abs(exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)))


@pytest.mark.parametrize("column", LIMITS)
def test_measures(column: str, tmp_path: Path) -> None:
    texts = MEASURES + WITH_EXPONENT + [str(LIMITS[column]), f"{LIMITS[column]:.1e}"]
    if column == "amount":
        texts = [text for text in texts if rounded(text) > 0]
    found = stored(Desk(tmp_path), column, texts)
    assert list(map(repr, found)) == [repr(rounded(text)) for text in texts]


def test_engagement_scores_are_measures(tmp_path: Path) -> None:
    texts = ["0", "1", "1.0", ".5", "5e-1", "0.12345", " 0.25", "+0.75", ""]
    users = [USER | {"user_id": f"{n}", "engagement_score": text} for n, text in enumerate(texts)]
    desk = Desk(tmp_path)
    desk.load([EVENT], users)
    found = desk.query("select engagement_score from raw.users order by user_id")
    assert [score for (score,) in found] == [rounded(text) if text else None for text in texts]
