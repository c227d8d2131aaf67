"""Texts of every kind, in every column and by every reader, against a judge in plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import strategies as st

from generator.vocabulary import EVENT_TYPES, PLANS
from tests.drawing import drawn
from tests.loader.desk import EVENT, EVENTS, USER, USERS, Desk, Row, as_csv

BLANKS = " \t\n\x0b\x0c\r"
OTHER_BLANKS = "\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u200b\u3000\ufeff"
ASCII = "".join(map(chr, range(128)))

Rejected = object()
"""What a judge says of a text that no row may have."""


def trimmed(text: str) -> str | None:
    """The text of a cell without the six blanks; None where it is null."""
    text = text.strip(BLANKS)
    return None if text in ("", "\\N") else text


def name(text: str) -> object:
    return Rejected if "\0" in (trimmed(text) or "") else trimmed(text)


def required_name(text: str) -> object:
    return Rejected if name(text) is None else name(text)


def whole(bits: int) -> Callable[[str], object]:
    def judge(text: str) -> object:
        found = re.fullmatch(r"([+-]?[0-9]+)(\.0*)?", trimmed(text) or "")
        number = int(found[1]) if found else 2**bits
        return number if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else Rejected

    return judge


def measure(text: str) -> object:
    given = trimmed(text)
    if given is None:
        return None
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", given):
        return Rejected
    number = Decimal(repr(float(given)) if "e" in given.lower() else given)
    if not 0 <= number <= 100:
        return Rejected
    return float(number.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def word(allowed: tuple[str, ...]) -> Callable[[str], object]:
    def judge(text: str) -> object:
        given = trimmed(text) or ""
        lowered = given.lower() if given.isascii() else ""
        return lowered if lowered in allowed else Rejected

    return judge


JUDGES: dict[str, Callable[[str], object]] = {
    "country": required_name,
    "plan": word(PLANS),
    "course_name": name,
    "event_id": whole(64),
    "event_type": word(EVENT_TYPES),
    "quiz_score": measure,
}
SEEDS = {
    "country": ["vietnam", "NULL", "v", "\\v", "\\N"],
    "plan": ["free", "PAID", "pa\u0131d"],
    "course_name": ["vue.js", "nan", "\\n", "'", '"'],
    "event_id": ["2", "v2", "12.0", "1e5"],
    "event_type": ["login", "video_watch"],
    "quiz_score": ["5", "v5", "0.00005", "1e-5", "NaN"],
}


def texts(column: str) -> st.SearchStrategy[str]:
    """Any texts, and likely ones with anything around them, or with a character in them."""
    edges = st.text(BLANKS + OTHER_BLANKS + "v\\", max_size=2)
    odd = st.text(ASCII + OTHER_BLANKS, max_size=6)
    return st.one_of(
        odd,
        st.builds("{}{}{}".format, edges, st.sampled_from(SEEDS[column]), edges),
        st.builds("{}{}".format, st.sampled_from(SEEDS[column]), odd),
    )


READERS = ("csv", "csv line by line", "parquet")


def events_file(desk: Desk, reader: str, rows: list[Row]) -> str:
    if reader == "parquet":
        return desk.file("events.parquet", rows)
    content = as_csv(rows)
    if reader == "csv line by line":  # a line that the engine does not read
        content += b'9,1,2025-01-02,login,"open,,,\n'
    return desk.file(f"{reader}.csv", content)


@pytest.mark.parametrize("column", ["course_name", "event_id", "event_type", "quiz_score"])
@drawn(few=3, many=8, data=st.data())
def test_a_text_of_an_event_is_stored_as_the_judge_says(
    tmp_path: Path, column: str, data: st.DataObject
) -> None:
    """One load of a file for each reader, with the same texts in other events."""
    given = data.draw(st.lists(texts(column), min_size=60, max_size=60))
    desk, files, ids = Desk(tmp_path), [], []
    for place, reader in enumerate(READERS, 1):
        ids.append([place * 1000 + number for number in range(len(given))])
        rows = [
            EVENT | {"event_id": str(event_id), column: text}
            for event_id, text in zip(ids[-1], given, strict=True)
        ]
        files.append(events_file(desk, reader, rows))
    files.append(desk.file("sound.csv", [EVENT]))  # so that something is loaded
    report = desk.load_files([desk.file("users.csv", USERS)], files, max_rejects=199)
    kept_rows = f"select row_number from private.rejected_rows where load_id = {report.load_id}"
    rejected = {number for (number,) in desk.query(kept_rows)}
    judged = [JUDGES[column](text) for text in given]
    broken = 2 * len(given) + 1  # stands between the rows of the second file and the third
    assert rejected == {broken} | {
        start + number
        for start in (0, len(given), broken)
        for number, value in enumerate(judged, 1)
        if value is Rejected
    }
    found = desk.query(f"select event_id, {column} from raw.events")
    assert report.events_read == broken + len(given) + 1
    assert report.events_repeated == report.events_read - len(rejected) - len(found)
    if column == "event_id":  # the same event in all files
        sound = {value for value in judged if value is not Rejected}
        assert sorted(event_id for event_id, _ in found) == sorted(sound | {10})
    else:
        assert {event_id: value for event_id, value in found if event_id != 10} == {
            event_id: value
            for of_file in ids
            for event_id, value in zip(of_file, judged, strict=True)
            if value is not Rejected
        }


@pytest.mark.parametrize("column", ["country", "plan"])
@drawn(few=3, many=8, data=st.data())
def test_a_text_of_a_user_is_stored_as_the_judge_says(
    tmp_path: Path, column: str, data: st.DataObject
) -> None:
    given = data.draw(st.lists(texts(column), min_size=60, max_size=60))
    desk = Desk(tmp_path)
    users = [USER | {"user_id": str(10 + n), column: text} for n, text in enumerate(given)]
    desk.load(EVENTS, [*USERS, *users], max_rejects=99)
    expected = {10 + n: JUDGES[column](text) for n, text in enumerate(given)}
    stored = dict(desk.query(f"select user_id, {column} from raw.users where user_id >= 10"))
    assert stored == {n: value for n, value in expected.items() if value is not Rejected}


def test_every_ascii_character_at_both_ends_of_a_text(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    edges = [mark for mark in ASCII + OTHER_BLANKS if mark != "\0"]
    rows = [
        EVENT | {"event_id": str(10 + number), "course_name": f"{mark}x y{mark}"}
        for number, mark in enumerate(edges)
    ]
    expected = [trimmed(row["course_name"]) for row in rows]
    for reader in READERS:
        file = events_file(desk, reader, rows)
        desk.load_files([desk.file("users.csv", USERS)], [file], max_rejects=1)
        found = desk.query("select course_name from raw.events order by event_id")
        assert [name for (name,) in found] == expected, reader
