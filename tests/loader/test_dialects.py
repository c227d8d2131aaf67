"""Files as other programs write them: line ends, Excel, words for null, decimals and dates."""

from __future__ import annotations

import gzip
import itertools
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from generator.errors import ElearnError, UsageError
from generator.loader.load import LoadReport
from generator.loader.quarantine import RejectedError
from generator.loader.text_format import TextFormat
from tests.conftest import Elearn
from tests.loader.desk import EVENT, EVENTS, USERS, Desk, as_csv, csv_line

LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The version of the plain events."""
    return Desk(tmp_path_factory.mktemp("sound")).load().dataset_version


def load_each(desk: Desk, contents: list[bytes], **options: Any) -> LoadReport:
    """Load files of the same events at once; each is read for itself."""
    files = [desk.file(f"{number}.csv", content) for number, content in enumerate(contents)]
    return desk.load_files([desk.file("users.csv", USERS)], files, **options)


@pytest.mark.parametrize(
    ("ends", "inside"), [*itertools.product(LINE_ENDS, [*LINE_ENDS, "LFLF"])], ids=str
)
def test_a_line_break_in_a_header_cell_loses_no_row(
    desk: Desk, sound: str, ends: str, inside: str
) -> None:
    note = LINE_ENDS.get(inside, "\n\n").join(["notes", "(free text)"])
    contents = []
    for place in (0, 3, len(EVENT)):  # before, among and after the columns that are read
        rows = [dict([*event.items()][:place]) | {note: "x"} | event for event in EVENTS]
        contents.append(as_csv(rows, newline=LINE_ENDS[ends]))
    report = load_each(desk, contents + [gzip.compress(content) for content in contents])
    assert (report.events_read, report.events_loaded, report.events_repeated) == (18, 3, 15)
    assert report.dataset_version == sound


def test_a_header_alone_is_no_row_and_a_header_whose_quotes_stay_open_an_error(desk: Desk) -> None:
    desk.load()
    header = as_csv(EVENTS).splitlines(keepends=True)[0]
    for blank_lines in (b"", b"\n\n", b"\r\n"):
        assert desk.load(header + blank_lines, None, append=True).events_read == 0
    with pytest.raises(ElearnError, match="the quotes of the header do not match"):
        desk.load(header.replace(b"amount", b'"amount') + b"10,1,2025-01-02,login,,,,\n")
    assert desk.event_ids() == [10, 11, 12]


@pytest.mark.parametrize("ends", LINE_ENDS)
@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;"])
def test_the_line_above_the_header_that_excel_writes_is_read(
    desk: Desk, sound: str, line: str, ends: str
) -> None:
    content = (line + LINE_ENDS[ends]).encode() + as_csv(EVENTS, ";", LINE_ENDS[ends])
    broken = csv_line(["9", "1"], ";")
    report = load_each(desk, [content, content + broken], max_rejects=1)
    assert (report.events_read, report.events_loaded, report.events_repeated) == (7, 3, 3)
    assert (report.dataset_version, report.rejected) == (sound, 1)
    assert desk.rejected()[0][1] == 7  # the fourth of the second file


@pytest.mark.parametrize("mark", [";", "\t", "|", "^", ":", ".", "]"])
def test_the_delimiter_that_the_first_line_names_may_be_any(desk: Desk, mark: str) -> None:
    rows = [EVENT | {"event_time": "2025-01-02", "course_name": f'a"{mark}b'}]
    content = f"sep={mark}\r\n".encode() + as_csv(rows, mark, "\r\n")
    assert desk.load(content + b'"11" ' + content.splitlines()[2][2:]).events_loaded == 2
    assert desk.query("select distinct course_name from raw.events") == [(f'a"{mark}b',)]


def test_a_file_of_excel_says_which_options_read_it_and_then_is_read(
    desk: Desk, elearn: Elearn
) -> None:
    users = "user_id;signup_date;plan;country;marketing_source\r\n1;31.12.2024;free;DE;ads\r\n"
    events = "event_id;user_id;event_time;event_type;watch_minutes\r\n10;1;{};video_watch;12,25\r\n"
    desk.file("u.csv", f"sep=;\r\n{users}".encode())
    desk.file("e.csv", f"sep=;\r\n{events.format('01.02.2025 9:05')}".encode("utf-8-sig"))
    files = ["--users", "u.csv", "--events", "e.csv", "--warehouse", "w.duckdb"]
    refused = elearn("load", *files, check=False)
    assert refused.returncode == 1
    assert "signup_date has the day first (--date-format '%d.%m.%Y' reads it)" in refused.stderr
    still = elearn("load", *files, "--date-format", "%d.%m.%Y", check=False)
    assert "watch_minutes has a comma (--decimal , reads it as the decimal mark)" in still.stderr
    elearn("load", *files, "--date-format", "%d.%m.%Y", "--decimal", ",")
    with duckdb.connect(str(desk.folder / "w.duckdb")) as con:
        assert con.execute("select event_time, watch_minutes from raw.events").fetchall() == [
            (datetime(2025, 2, 1, 9, 5), 12.25)
        ]
        assert con.execute("select signup_date from raw.users").fetchall() == [
            (date(2024, 12, 31),)
        ]
        [(settings,)] = con.execute("select settings from raw.loads").fetchall()
    assert '"decimal": ",", "date_format": "%d.%m.%Y"' in settings


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (
            "%d.%m.%Y",
            {
                "31.12.2025": datetime(2025, 12, 31),
                " 1.2.2025 ": datetime(2025, 2, 1),
                "01.02.2025 23:59": datetime(2025, 2, 1, 23, 59),
                "01.02.2025 23:59:58.5": datetime(2025, 2, 1, 23, 59, 58, 500_000),
                "2025-01-02": None,
                "30.02.2025": None,
                "01.02.2025 24:00": None,
                "01.02.2025x": None,
            },
        ),
        ("%m/%d/%Y", {"01/02/2025 9:05": datetime(2025, 1, 2, 9, 5), "13/01/2025": None}),
        ("%m/%d/%Y %I:%M %p", {"01/02/2025 9:05 PM": datetime(2025, 1, 2, 21, 5)}),
        ("%Y%m%d", {"20250102": datetime(2025, 1, 2)}),
        ("%d %b %Y", {"2 Jan 2025": datetime(2025, 1, 2)}),
        ("%d.%m.%Y %H:%M %z", {"02.01.2025 01:00 +0530": datetime(2025, 1, 1, 19, 30)}),
        ("%Y-%m-%dT%H:%M:%S%z", {"2025-01-02T10:00:00Z": datetime(2025, 1, 2, 10)}),
        ("%Y-%j", {"2025-032": datetime(2025, 2, 1), "2025-366": None}),
        ("%G-W%V-%u", {"2025-W53-1": None}),
    ],
)
def test_dates_are_read_by_the_pattern_given_and_by_no_other(
    desk: Desk, pattern: str, texts: dict[str, datetime | None]
) -> None:
    first = datetime(2025, 1, 1, tzinfo=UTC)
    users = [user | {"signup_date": first.strftime(pattern)} for user in USERS]
    good = EVENT | {"event_id": "1", "event_time": first.strftime(pattern)}
    given = [
        good | {"event_id": str(event_id), "event_time": text, "event_date": text if stored else ""}
        for event_id, (text, stored) in enumerate(texts.items(), 10)
    ]
    wrong = [number for number, stored in enumerate(texts.values(), 1) if stored is None]
    text_format = TextFormat(date_format=pattern)
    desk.load([*given, good], users, max_rejects=len(wrong), text_format=text_format)
    found = desk.query("select event_time from raw.events where event_id > 1 order by event_id")
    assert [time for (time,) in found] == [stored for stored in texts.values() if stored]
    reason = f"event_time is not a date written {pattern!r}"
    assert desk.rejected() == [("events", number, reason) for number in wrong]


@pytest.mark.parametrize("blanks", ["", " ", "  ", "     "])
@pytest.mark.parametrize("ends", LINE_ENDS)
def test_blanks_before_an_opening_quote_are_let_pass_in_any_file(
    desk: Desk, blanks: str, ends: str
) -> None:
    line = f'11,{blanks}"1",2025-01-02,login,{blanks}"a, b",,,'
    content = as_csv(EVENTS[:1], newline=LINE_ENDS[ends]) + (line + LINE_ENDS[ends]).encode()
    both = [content, content + b"1,2"]  # read by the engine where it can, and line by line
    report = load_each(desk, both, max_rejects=1)
    assert (report.events_repeated, report.rejected) == (2, 1)  # a repeated row is the same row
    assert desk.query("select course_name from raw.events where event_id = 11") == [("a, b",)]


@pytest.mark.parametrize(
    ("text", "null", "stored"),
    [("99,9", "99,9", None), ("5,5", "5.5", 5.5), (" - ", "-", None), ("0", "0", None)],
)
def test_a_null_is_the_text_as_it_stands_whatever_the_decimal_mark(
    desk: Desk, text: str, null: str, stored: float | None
) -> None:
    given = TextFormat(nulls=(null,), decimal=",")
    desk.load([EVENT | {"watch_minutes": text}], text_format=given)
    assert desk.query("select watch_minutes from raw.events") == [(stored,)]


@pytest.mark.parametrize("header", ["sep=;\r\n{}", '{};"two\nlines caf\xe9"'])
def test_a_header_that_is_not_utf_8_is_one_line(desk: Desk, header: str) -> None:
    names = as_csv(EVENTS, ";").splitlines()[0].decode()
    content = header.format(names + ";caf\xe9" if "sep" in header else names) + "\r\n1;2\r\n"
    with pytest.raises(ElearnError, match="the header is not UTF-8"):
        desk.load(content.encode("cp1252"), max_rejects=9)


@pytest.mark.parametrize("option", ["--decimal", "--date-format"])
@pytest.mark.parametrize("text", ["", "x", "%Y", "%Q", "%H:%M", ";", "' or 1=1", "%d.%m.%Y\udce9"])
def test_an_option_that_reads_nothing_is_one_line(elearn: Elearn, option: str, text: str) -> None:
    done = elearn("load", "--users", "u", "--events", "e", option, text, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {option}: {text!r} is not allowed; give ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "stored"),
    [("12,5", 12.5), ("12", 12.0), (",5", 0.5), ("1,5e1", 15.0), ("12.5", None), ("1.234,5", None)],
)
def test_a_decimal_comma_is_read_where_it_is_said(
    desk: Desk, text: str, stored: float | None
) -> None:
    rows = [EVENT | {"watch_minutes": text, "event_id": "10,0"}, EVENT | {"event_id": "11"}]
    desk.load(rows, max_rejects=1, text_format=TextFormat(decimal=","))
    found = desk.query("select watch_minutes from raw.events where event_id = 10")
    assert found == ([(stored,)] if stored is not None else [])
    if stored is None:
        [(row,)] = desk.query("select row from private.rejected_rows")
        assert f'"watch_minutes":"{text}"' in row


def test_words_for_null_are_texts_and_counted_unless_an_option_says_otherwise(desk: Desk) -> None:
    words = ["NULL", "None", "nan", "n/a", r"\N", " NULL ", ""]
    rows = [
        EVENT | {"event_id": str(10 + number), "course_name": word}
        for number, word in enumerate(words)
    ]
    users = [USERS[0] | {"country": "NULL"}, USERS[1]]
    query = "select course_name from raw.events order by event_id"
    report = desk.load(rows, users)
    assert desk.query(query) == [
        *[("NULL",), ("None",), ("nan",), ("n/a",)],
        *[(None,), ("NULL",), (None,)],
    ]
    assert report.warnings == (
        "country is 'NULL' in 1 users; --null NULL makes that null",
        "course_name is 'NULL' in 2 events; --null NULL makes that null",
        "course_name is 'None' in 1 events; --null None makes that null",
        "course_name is 'n/a' in 1 events; --null n/a makes that null",
        "course_name is 'nan' in 1 events; --null nan makes that null",
    )
    report = desk.load(rows, text_format=TextFormat(nulls=("NULL", "n/a")))
    assert [name for (name,) in desk.query(query)] == [None, "None", "nan", None, None, None, None]
    assert len(report.warnings) == 2


@pytest.mark.parametrize("reader", ["csv", "csv line by line", "parquet"])
def test_a_null_is_null_in_every_column(desk: Desk, reader: str) -> None:
    """Also one that could be read as a value, in a column that must be there."""
    row = EVENT | {"event_date": "-", "course_name": "-", "watch_minutes": "0", "quiz_score": " - "}
    rows = [row | {"amount": r" \N"}, row | {"event_id": "11", "event_type": "-"}]
    content = as_csv(rows) + (b"1,2\n" if reader == "csv line by line" else b"")
    file = (
        desk.file("events.parquet", rows)
        if reader == "parquet"
        else desk.file("events.csv", content)
    )
    given = TextFormat(nulls=("-", "0"))
    desk.load_files([desk.file("users.csv", USERS)], [file], max_rejects=2, text_format=given)
    assert desk.query(
        "select event_date, course_name, watch_minutes, quiz_score, amount from raw.events"
    ) == [(date(2025, 1, 2), None, None, None, None)]
    assert desk.rejected()[0] == ("events", 2, "event_type is missing")


def test_a_word_for_null_in_a_number_says_which_option_reads_it(desk: Desk) -> None:
    with pytest.raises(RejectedError) as failure:
        desk.load([EVENT | {"watch_minutes": "NULL"}])
    assert failure.value.as_lines() == [
        "events  1  watch_minutes is a word for null (--null reads it): row 1 'NULL'"
    ]


def test_the_options_are_checked_where_they_are_made() -> None:
    wrong = ({"decimal": "x"}, {"date_format": "%Y"}, {"nulls": (" - ",)}, {"nulls": ("\udce9",)})
    for options in wrong:
        with pytest.raises(UsageError):
            TextFormat(**options)
