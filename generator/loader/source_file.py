"""What stands in a file: its kind, by content, and where its columns are."""

from __future__ import annotations

import csv
import glob
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from generator.errors import ElearnError
from generator.loader.csv_records import is_utf8, open_bytes, open_text
from generator.loader.rules import Rules
from generator.warehouse.file import Connection
from generator.warehouse.sql import first_line, quoted

Kind = Literal["csv", "gzip", "parquet"]

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 1000
MAX_HEADER_LENGTH = 1_000_000
"""Characters among which the first line must end."""
ALIASES = {"course_id": "course_name"}
"""Names that stand for a column when the column itself is not there."""
GZIP_ERRORS = (EOFError, zlib.error, OSError)
"""What reading a broken gzip stream raises."""


@dataclass(frozen=True)
class Source:
    """One file of an export."""

    path: Path
    kind: Kind
    delimiter: str
    header: tuple[str, ...]
    """Names of all columns, as they stand in the file."""
    positions: dict[str, int]
    """Position in the header of each column that is read, by its name in the warehouse."""
    stamp: tuple[int, int]
    """Size and time of change, to notice that the file is being written to."""

    @property
    def is_gzip(self) -> bool:
        """Whether the content is compressed."""
        return self.kind == "gzip"

    @property
    def ignored(self) -> list[str]:
        """Names of the columns that are not read."""
        used = set(self.positions.values())
        return [name for position, name in enumerate(self.header) if position not in used]

    def check_unchanged(self) -> None:
        """Raise when the file is not the one that was opened."""
        if _stamp(self.path) != self.stamp:
            raise ElearnError(f"{self.path}: the file changed while it was read; load it again")


def open_source(con: Connection, path: Path, rules: Rules) -> Source:
    """Look into a file and find the columns of a table.

    Raises
    ------
    ElearnError
        The file is no CSV, gzipped CSV or Parquet file, or has not the columns it needs.
    """
    stamp, kind = _stamp(path), _kind(path)
    delimiter = ""
    if kind == "parquet":
        names = _parquet_header(con, path)
    else:
        delimiter, names = _csv_header(path, kind == "gzip", rules)
    if len(names) > MAX_COLUMNS:
        raise ElearnError(f"{path}: {len(names):,} columns; at most {MAX_COLUMNS:,} are allowed")
    return Source(path, kind, delimiter, tuple(names), _positions(path, names, rules), stamp)


def engine_path(path: Path) -> str:
    """Return a path as the engine's functions take it: absolute, and never read as a pattern."""
    return glob.escape(str(path.absolute()))


def restrict(con: Connection, paths: list[Path]) -> None:
    """Shut the engine off from every file but the given ones, for as long as it is open.

    Times with a zone become texts in UTC, wherever the machine is.
    """
    con.execute("set TimeZone = 'UTC'")
    allowed = {name for path in paths for name in (str(path.absolute()), engine_path(path))}
    con.execute(f"set allowed_paths = [{', '.join(map(quoted, sorted(allowed)))}]")
    con.execute("set enable_external_access = false")


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _kind(path: Path) -> Kind:
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return "parquet"
    return "gzip" if start.startswith(b"\x1f\x8b") else "csv"


def _parquet_header(con: Connection, path: Path) -> list[str]:
    try:
        query = f"describe select * from {parquet_relation(path)}"
        columns = con.execute(query).fetchall()
    except duckdb.Error as error:
        raise ElearnError(f"{path}: not a Parquet file: {first_line(error)}") from error
    return [str(column[0]) for column in columns]


def parquet_relation(path: Path) -> str:
    """Return the table function that reads a Parquet file."""
    options = "binary_as_string = true, hive_partitioning = false, file_row_number = false"
    return f"read_parquet({quoted(engine_path(path))}, {options})"


def _csv_header(path: Path, is_gzip: bool, rules: Rules) -> tuple[str, list[str]]:
    head = _head(path, is_gzip)
    headers = {delimiter: _header(head, delimiter) for delimiter in DELIMITERS}
    for delimiter, names in headers.items():
        if set(rules.required) <= set(map(_normal, names)):
            return delimiter, names
    return max(headers.items(), key=lambda item: len(item[1]))


def _head(path: Path, is_gzip: bool) -> str:
    """Return the start of a CSV file, with its first line."""
    try:
        with open_bytes(path, is_gzip) as content:
            start = content.read(2)
        with open_text(path, is_gzip) as text:
            head = text.read(MAX_HEADER_LENGTH)
    except GZIP_ERRORS as error:
        raise ElearnError(f"{path}: cannot be read: {error}") from error
    if not start:
        raise ElearnError(f"{path}: the file is empty; give one with a header line")
    first = "".join(head.splitlines()[:1])
    if start in (b"\xff\xfe", b"\xfe\xff") or "\0" in first:
        raise ElearnError(f"{path}: not a CSV file in UTF-8 (UTF-16 perhaps, or no text at all)")
    if not is_utf8(first):
        raise ElearnError(f"{path}: the header line is not UTF-8")
    if len(first) == MAX_HEADER_LENGTH:
        raise ElearnError(f"{path}: the first line is no header: it has over a million characters")
    return head


def _header(head: str, delimiter: str) -> list[str]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        return next(reader, [])
    except csv.Error:
        return []


def _normal(name: str) -> str:
    return name.strip().lower()


def _positions(path: Path, names: list[str], rules: Rules) -> dict[str, int]:
    found: dict[str, int] = {}
    for position, name in enumerate(map(_normal, names)):
        if name in rules.columns and name in found:
            raise ElearnError(f"{path}: the column {name} stands twice; give it once")
        found.setdefault(name, position)
    for alias, name in ALIASES.items():
        if alias in found and name in rules.columns:
            found.setdefault(name, found[alias])
    missing = [name for name in rules.required if name not in found]
    if missing:
        raise ElearnError(_missing_columns(path, names, missing, rules))
    return {name: found[name] for name in rules.columns if name in found}


def _missing_columns(path: Path, names: list[str], missing: list[str], rules: Rules) -> str:
    shown = ", ".join(repr(name[:30]) for name in names[:10]) + (", ..." if names[10:] else "")
    return (
        f"{path}: no column {', '.join(missing)} in its first line ({shown or 'it is blank'}); "
        f"it needs {', '.join(rules.required)} and may have {', '.join(rules.optional)}"
    )
