"""Files of an export: which are read, and what is said of those that cannot be."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from generator.errors import ElearnError
from generator.loader.discovery import DataFile
from generator.loader.load import stage
from generator.loader.staging import SMALL_BYTES
from generator.loader.text_format import PLAIN
from tests.loader.desk import EVENT, EVENTS, USERS, Desk, Row, as_csv


def zstandard(content: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(content)
    return packed.getvalue().to_pybytes()


HEADER = as_csv(EVENTS).splitlines(keepends=True)[0]


LINE = b"10,1,2025-01-02 10:00:00,login,,,,\n"


@pytest.mark.parametrize(
    "name", ["it's.csv", "a;b.csv", "a b.csv", "x*?.csv", "[!a].csv", "'; drop table x; --.csv"]
)
def test_a_file_may_be_called_anything(desk: Desk, name: str) -> None:
    report = desk.load_files([desk.file("users.csv", USERS)], [desk.file(name, EVENTS)])
    assert report.events_loaded == 3


def test_the_kind_of_a_file_is_told_by_its_name_and_else_by_its_content(desk: Desk) -> None:
    parquet = Path(desk.file("events.parquet", EVENTS[:1])).read_bytes()
    events = [
        desk.file("tracking.log", as_csv(EVENTS[1:2])),
        desk.file("bare.gz", gzip.compress(as_csv(EVENTS[2:]))),
        desk.file("table.bin", parquet),
    ]
    assert desk.load_files([desk.file("users.csv", USERS)], events).events_loaded == 3
    with pytest.raises(ElearnError, match="not a Parquet file"):
        desk.load_files([desk.file("users.csv", USERS)], [desk.file("e.pq", as_csv(EVENTS))])


@pytest.mark.parametrize("name", ["packed.csv", "packed.csv.gz", "packed.tsv.zst"])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard, bytes])
def test_how_a_file_is_compressed_is_told_by_its_content(
    desk: Desk, name: str, pack: Callable[[bytes], bytes]
) -> None:
    content = pack(as_csv(EVENTS, delimiter="\t" if ".tsv" in name else ","))
    report = desk.load_files([desk.file("users.csv", USERS)], [desk.file(name, content)])
    assert report.events_loaded == 3


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + as_csv(EVENTS),
        as_csv(EVENTS, newline="\r\n"),
        as_csv(EVENTS, newline="\r"),
        as_csv(EVENTS, delimiter=";"),
        as_csv(EVENTS, delimiter="\t"),
        as_csv(EVENTS).replace(b"\n", b"\n\n"),
        as_csv(EVENTS).rstrip(),
        as_csv(EVENTS[:1], newline="\r\n") + as_csv(EVENTS).split(b"\n", 2)[2],
        as_csv(EVENTS).replace(b"\n", b",\n"),
        gzip.compress(as_csv(EVENTS[:2])) + gzip.compress(as_csv(EVENTS).splitlines()[3]),
    ],
    ids=[
        "BOM",
        "CRLF",
        "CR",
        ";",
        "tab",
        "blank lines",
        "no last newline",
        "mixed newlines",
        "comma at the end",
        "two gzip members",
    ],
)
def test_dialects_of_csv_are_read_alike(desk: Desk, content: bytes) -> None:
    whole = desk.load()
    assert desk.load(content).dataset_version == whole.dataset_version


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n" + HEADER + LINE, "no column event_id, .* in its first line .it is blank."),
        (b"event_id;user_id\n1;2\n", "no column event_time, event_type in its first line"),
        (b"user_id," + HEADER + b"1," + LINE, "the column user_id stands twice"),
        ((HEADER + LINE).decode().encode("utf-16"), "not a CSV file in UTF-8"),
        ((HEADER + LINE).decode().encode("utf-16-le"), "not a CSV file in UTF-8"),
        (HEADER.replace(b"amount", b"\xe9") + LINE, "the header is not UTF-8"),
        (b",".join(b"c%d" % n for n in range(1_000_000)), "the first line is no header"),
        (b"," * 1000 + HEADER, "1,008 columns; at most 1,000 are allowed"),
        (gzip.compress(HEADER + LINE * 9999)[:-9], "cannot be read: Compressed file"),
        (gzip.compress(HEADER + LINE)[:-8] + b"12345678", "CRC check failed"),
        (gzip.compress(b"x" * 50_000_000), "the first line is no header"),
        (HEADER.replace(b"amount", b'"amount') + LINE, "the quotes of the header do not match"),
    ],
    ids=[
        "empty",
        "blank first line",
        "missing column",
        "column twice",
        "UTF-16",
        "UTF-16 no BOM",
        "Latin-1 header",
        "million columns",
        "1,008 columns",
        "cut gzip",
        "broken gzip",
        "gzip bomb",
        "open quote in the header",
    ],
)
def test_a_file_that_is_no_table_of_events_is_an_error_of_the_data(
    desk: Desk, content: bytes, message: str
) -> None:
    with pytest.raises(ElearnError, match=message) as failure:
        desk.load(content)
    assert failure.value.exit_code == 1
    assert "\n" not in str(failure.value)
    assert not desk.warehouse.exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"11,1\n", "the line has more or fewer cells than the header"),
        (LINE.replace(b"\n", b",1\n"), "the line has more or fewer cells than the header"),
        (b"x," * 1_000_000 + b"\n", "the line has more or fewer cells than the header"),
        (b"  \n", "the line has more or fewer cells than the header"),
        (b'11,1,2025-01-02,login,"x,,,\n', "the quotes do not match"),
        (b'11,1,2025-01-02,login,"x"y,,,\n', "the quotes do not match"),
        (b"11,1,2025-01-02,login,caf\xe9,,,\n", "the line is not UTF-8"),
        (b"11,1,2025-01-02,login," + b"x" * 5_000_000 + b",,,\n", "the line is longer than 4,000,"),
        (b"11,1,2025-01-02,login," + b"x" * 70_000_000 + b",,,\n", "the line is longer than 4,000"),
    ],
    ids=[
        "short",
        "long",
        "million cells",
        "blanks",
        "open quote",
        "text after quote",
        "Latin-1",
        "5 MB",
        "70 MB",
    ],
)
def test_a_line_that_does_not_parse_is_rejected_alone(desk: Desk, line: bytes, reason: str) -> None:
    after = LINE.replace(b"10,", b"13,", 1)
    after += after.replace(b"login", b"course_enroll")
    report = desk.load(HEADER + LINE + b"\n" + line + after, max_rejects=2)
    assert [(row, text[: len(reason)]) for _, row, text in desk.rejected()] == [
        (2, reason),
        (4, "duplicate event_id"[: len(reason)]),
    ]
    assert (report.events_read, desk.event_ids()) == (4, [10, 13])
    [(kept,)] = desk.query("select left(row, 20) from private.rejected_rows where row_number = 2")
    assert kept.startswith('{"line":"')


@pytest.mark.parametrize(
    "line",
    [
        b'11,"1" ,2025-01-02 10:00:00,"login" ,,,,\n',
        b'11,1,2025-01-02 10:00:00,login,"say ""hi"" , you" ,,,\n',
        b'11,1,2025-01-02 10:00:00,login,"two\nlines" ,,,\n',
        b'"11" ,1,2025-01-02 10:00:00,login,,,,"" \n',
    ],
)
def test_blanks_after_a_closing_quote_are_let_pass_in_any_file(desk: Desk, line: bytes) -> None:
    desk.load(HEADER + LINE + line)
    [sound] = desk.query("select * from raw.events where event_id = 11")
    open_quote = b'12,1,2025-01-02,login,"x,,,\n'
    desk.load(HEADER + LINE + open_quote + line, max_rejects=1)
    assert desk.query("select * from raw.events where event_id = 11") == [sound]
    assert desk.rejected() == [("events", 2, "the quotes do not match")]


def test_a_cell_of_a_megabyte_and_line_breaks_in_a_cell_are_data(desk: Desk) -> None:
    desk.load([EVENT | {"course_name": "x" * 1_000_000}, EVENTS[1] | {"course_name": "a\r\n\nb"}])
    lengths = "select length(course_name), course_name from raw.events order by event_id"
    assert desk.query(lengths)[0][0] == 1_000_000
    assert desk.query(lengths)[1][1] == "a\r\n\nb"


def test_names_of_columns_never_become_sql(desk: Desk) -> None:
    hostile: Row = {"a') from x; drop table raw.users; --": "1", 'b"c': "2", "d'e": "\\"}
    rows = [row | hostile for row in [*EVENTS, EVENT | {"amount": "1"}]]
    assert desk.load(rows, max_rejects=1).events_loaded == 3
    for name in hostile:
        [(kept,)] = desk.query("select row from private.rejected_rows limit 1")
        assert name in kept.replace('\\"', '"')
    table = {name: [row[name] or None for row in rows] for name in rows[0]}
    pq.write_table(pa.table(table), desk.folder / "events.parquet")
    users = str(desk.folder / "users.csv")
    parquet = desk.load_files([users], [str(desk.folder / "events.parquet")], max_rejects=1)
    assert parquet.events_loaded == 3


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("small_bytes", [0, SMALL_BYTES], ids=["at once", "after waiting"])
def test_many_threads_keep_the_order_of_a_file(
    kind: str, small_bytes: int, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.loader.staging.SMALL_BYTES", small_bytes)
    rows, day = 300_000, "2025-01-02"
    columns = {"event_id": range(rows), "user_id": [1] * rows, "event_time": [day] * rows}
    table = pa.table({name: list(values) for name, values in columns.items()})
    table = table.append_column("event_type", pa.array(["login"] * rows))
    path = desk.folder / f"events.{kind}"
    if kind == "csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=rows // 8)
    with duckdb.connect(config={"threads": 8}) as con:
        _, events = stage(
            con, {"users": [], "events": [DataFile(path, kind)]}, PLAIN, reporter=desk
        )
        moved = f"select count(*) from {events.name} where rowid <> event_id"
        assert con.execute(moved).fetchall() == [(0,)]


def test_the_engine_reaches_no_other_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = desk.file("secret.csv", EVENTS)
    errors = []

    def spy(con: duckdb.DuckDBPyConnection, *_: object) -> None:
        try:
            con.execute(f"from read_csv('{secret}')")
        except duckdb.PermissionException as error:
            errors.append(error)

    monkeypatch.setattr("generator.loader.load.open_source", spy)
    with pytest.raises(AttributeError):
        desk.load()
    assert errors


def test_a_file_that_changes_while_it_is_read_fails_the_load(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "generator.loader.staging.is_plain",
        lambda source: bool(source.path.write_bytes(HEADER + LINE)),
    )
    with pytest.raises(ElearnError, match="the file changed while it was read"):
        desk.load()
