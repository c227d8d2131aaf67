"""Small exports to load: good rows, and ways to write them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from generator.loader.load import LoadReport, load_files
from generator.reporter import Reporter
from tests.private import query_private

Row = dict[str, str]

USER: Row = {
    "user_id": "1",
    "signup_date": "2025-01-01",
    "plan": "free",
    "country": "IN",
    "marketing_source": "ads",
}
EVENT: Row = {
    "event_id": "10",
    "user_id": "1",
    "event_time": "2025-01-02 10:00:00",
    "event_type": "login",
    "course_name": "",
    "watch_minutes": "",
    "quiz_score": "",
    "amount": "",
}
USERS = [USER, USER | {"user_id": "2", "plan": "paid"}]
EVENTS = [
    EVENT,
    EVENT | {"event_id": "11", "event_type": "video_watch", "watch_minutes": "12.5"},
    EVENT | {"event_id": "12", "user_id": "2", "event_type": "payment_failed", "amount": "999"},
]

HISTORY = "select dataset_version, first_day, last_day, touched_first_day, touched_last_day"
"""A query's beginning that asks the load history for days."""

OTHER = EVENT | {"course_name": "another"}
"""The key of an event with other content."""


def day(number: int, month: int = 1) -> date:
    return date(2025, month, number)


def event(event_id: int, on: str, user_id: int = 1) -> Row:
    return EVENT | {"event_id": str(event_id), "event_time": on, "user_id": str(user_id)}


def as_csv(rows: Sequence[Row], delimiter: str = ",", newline: str = "\n") -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    return b"".join(csv_line(cells, delimiter) + newline.encode() for cells in lines)


def csv_line(cells: Sequence[str], delimiter: str) -> bytes:
    """A record without its line end; a cell with either sort of line break stands in quotes."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return text.getvalue()[:-2].encode()


def write_rows(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows in the format that the file's name says."""
    if path.suffix == ".parquet":
        columns = {name: [row[name] or None for row in rows] for name in rows[0]}
        pq.write_table(pa.table(columns, pa.schema({name: pa.string() for name in columns})), path)
    else:
        content = as_csv(rows)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@dataclass
class Desk(Reporter):
    """A folder with files to load, and a warehouse to load them into."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.said.append(line)

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def file(self, name: str, content: bytes | Sequence[Row]) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            write_rows(path, content)
        return str(path)

    def load(
        self,
        events: bytes | Sequence[Row] = EVENTS,
        users: bytes | Sequence[Row] | None = USERS,
        **options: Any,
    ) -> LoadReport:
        user_files = [] if users is None else [self.file("users.csv", users)]
        return self.load_files(user_files, [self.file("events.csv", events)], **options)

    def load_files(self, users: list[str], events: list[str], **options: Any) -> LoadReport:
        return load_files(self.warehouse, users, events, reporter=self, **options)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return query_private(self.warehouse, sql)

    def rejected(self) -> list[tuple[str, int, str]]:
        return self.query(
            "select table_name, row_number, reason from private.rejected_rows order by all"
        )

    def event_ids(self) -> list[int]:
        return [row[0] for row in self.query("select event_id from raw.events order by all")]
