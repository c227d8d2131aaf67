"""What stands in a file: its kind, its columns, and how its texts are to be read."""

from __future__ import annotations

import csv
import glob
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from generator.errors import ElearnError, first_line
from generator.loader.columns import Columns
from generator.loader.csv_records import (
    CUT_SHORT,
    Compression,
    compression_of,
    is_utf8,
    open_bytes,
    open_text,
    without_blanks_after_quotes,
)
from generator.loader.discovery import DataFile, Folders
from generator.loader.rules import Rules
from generator.loader.text_format import TextFormat
from generator.warehouse.file import Connection
from generator.warehouse.sql import quoted, quoted_list

DELIMITERS = (",", ";", "\t", "|")
SEPARATOR_LINE = re.compile(r'"?sep=([^" \r\n])"?(\r\n|\r|\n|\Z)', re.IGNORECASE)
"""What Excel writes and reads above the header."""
MAX_COLUMNS = 1000
MAX_HEADER_LENGTH = 1_000_000
"""Characters among which the first line must end."""
ALIASES = {"course_id": "course_name"}
"""Names that stand for a column when the column itself is not there."""
FLOAT_TYPES = ("FLOAT", "DOUBLE")
NUMBER_TYPES = (*FLOAT_TYPES, "DECIMAL")
TIME_TYPES = ("DATE", "TIMESTAMP")
"""How the engine's names of types in a Parquet file begin."""


@dataclass(frozen=True)
class Header:
    """The names of a CSV file's columns, and where its records begin."""

    names: tuple[str, ...]
    delimiter: str
    lines: int
    """Lines above the first record, those of a separator line and of a long header included."""
    has_separator_line: bool
    is_one_line: bool
    """Whether the header has no line break in it."""


@dataclass(frozen=True)
class Source:
    """One file of an export."""

    path: Path
    is_parquet: bool
    compression: Compression
    format: TextFormat
    header: tuple[str, ...]
    """Names of all columns, as they stand in the file."""
    types: tuple[str, ...]
    """The engine's types of a Parquet file's columns; empty for CSV."""
    positions: dict[str, int]
    """Position in the header of each column that is read, by its name in the warehouse."""
    folders: Folders
    """What the names of its folders give, by the column's name in the warehouse."""
    ignored: tuple[str, ...]
    """Names of the columns that are not read, in the file and in the names of its folders."""
    stamp: tuple[int, int]
    """Size and time of change, to notice that the file is being written to."""
    csv_header: Header | None = None

    @property
    def columns(self) -> Columns:
        """How the rules have to read its columns."""
        return Columns(
            self.format,
            numbers=self._typed(NUMBER_TYPES),
            times=self._typed(TIME_TYPES),
            in_folders=frozenset(self.folder_cells),
        )

    def _typed(self, types: tuple[str, ...]) -> frozenset[str]:
        """Return the columns of some types; those of a CSV file have none."""
        return frozenset(
            column
            for column, position in self.positions.items()
            if self.types and self.types[position].startswith(types)
        )

    @property
    def disputed(self) -> Folders:
        """What the names of its folders say of columns that stand in the file too."""
        return {name: text for name, text in self.folders.items() if name in self.positions}

    @property
    def folder_cells(self) -> Folders:
        """What the names of its folders say of columns that do not stand in the file."""
        return {name: text for name, text in self.folders.items() if name not in self.positions}

    @property
    def given_columns(self) -> frozenset[str]:
        """The columns of the warehouse that stand in it or in the names of its folders."""
        return frozenset(self.positions) | frozenset(self.folders)

    def check_unchanged(self) -> None:
        """Raise when the file is not the one that was opened."""
        if _stamp(self.path) != self.stamp:
            raise ElearnError(f"{self.path}: the file changed while it was read; load it again")


def open_source(con: Connection, file: DataFile, rules: Rules, text_format: TextFormat) -> Source:
    """Look into a file and find the columns of a table.

    Raises
    ------
    ElearnError
        The file is no CSV or Parquet file, or has not the columns it needs.
    """
    path, stamp = file.path, _stamp(file.path)
    header: Header | None = None
    names: Sequence[str]
    types: Sequence[str] = ()
    if file.kind == "parquet":
        names, types = _parquet_header(con, path)
    elif file.kind == "json":
        raise ElearnError(f"{path}: a JSON file; give CSV or Parquet")
    else:
        header = _csv_header(path, rules, file.folders)
        names, text_format = header.names, replace(text_format, delimiter=header.delimiter)
    if len(names) > MAX_COLUMNS:
        raise ElearnError(f"{path}: {len(names):,} columns; at most {MAX_COLUMNS:,} are allowed")
    aliases = _aliases([*names, *file.folders])
    folders = _in_the_warehouse(path, list(file.folders), rules, aliases)
    positions = _in_the_warehouse(path, names, rules, aliases)
    _check_required(path, names, positions | folders, rules)
    _check_types(con, path, {column: types[at] for column, at in positions.items() if types})
    used = set(positions.values())
    ignored = [name for position, name in enumerate(names) if position not in used]
    values = list(file.folders.items())
    ignored += [name for number, (name, _) in enumerate(values) if number not in folders.values()]
    return Source(
        path=path,
        is_parquet=file.kind == "parquet",
        compression="none" if file.kind == "parquet" else compression_of(path),
        format=text_format,
        header=tuple(names),
        types=tuple(types),
        positions=positions,
        folders={column: values[number][1] for column, number in folders.items()},
        ignored=tuple(ignored),
        stamp=stamp,
        csv_header=header,
    )


def engine_path(path: Path) -> str:
    """Return a path as the engine's functions take it: absolute, and never read as a pattern."""
    return glob.escape(str(path.absolute()))


def restrict(con: Connection, paths: list[Path]) -> None:
    """Shut the engine off from every file but the given ones, for as long as it is open.

    Times with a zone become texts in UTC, wherever the machine is.
    """
    con.execute("set TimeZone = 'UTC'")
    allowed = {name for path in paths for name in (str(path.absolute()), engine_path(path))}
    con.execute(f"set allowed_paths = [{quoted_list(sorted(allowed))}]")
    con.execute("set enable_external_access = false")


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _parquet_header(con: Connection, path: Path) -> tuple[list[str], list[str]]:
    try:
        query = f"describe select * from {parquet_relation(path)}"
        columns = con.execute(query).fetchall()
    except duckdb.Error as error:
        raise ElearnError(f"{path}: not a Parquet file: {first_line(error)}") from error
    return [str(column[0]) for column in columns], [str(column[1]) for column in columns]


def _check_types(con: Connection, path: Path, types: dict[str, str]) -> None:
    """Raise for columns of a Parquet file that hold no single value, or one that is misread."""
    for column, kind in types.items():
        if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
            raise ElearnError(f"{path}: {column} holds lists or structs; give one value a row")
    if "DOUBLE" in types.values():
        query = f"select name from parquet_schema({quoted(engine_path(path))}) where precision > 38"
        for (name,) in con.execute(query).fetchall():
            if _normal(name) in types:
                raise ElearnError(f"{path}: {name} is a DECIMAL of over 38 digits; give DOUBLE")


def parquet_relation(path: Path) -> str:
    """Return the table function that reads a Parquet file."""
    options = "binary_as_string = true, hive_partitioning = false, file_row_number = false"
    return f"read_parquet({quoted(engine_path(path))}, {options})"


def _csv_header(path: Path, rules: Rules, in_folders: Folders) -> Header:
    head = _head(path)
    separator = SEPARATOR_LINE.match(head)
    delimiters: tuple[str, ...] = DELIMITERS
    if separator:
        head, delimiters = head[separator.end() :], (separator[1],)
    headers = [_header(head, delimiter, bool(separator)) for delimiter in delimiters]
    needed = set(rules.required) - set(in_folders)
    for header in headers:
        if needed <= set(map(_normal, header.names)):
            if not all(map(is_utf8, header.names)):
                raise ElearnError(f"{path}: the header is not UTF-8")
            return header
    for delimiter in delimiters:
        if needed <= set(map(_normal, _first_record(head, delimiter, strict=False)[0])):
            raise ElearnError(f"{path}: the quotes of the header do not match")
    return max(headers, key=lambda header: len(header.names))


def _head(path: Path) -> str:
    """Return the start of a CSV file, with its header."""
    compression = compression_of(path)
    try:
        with open_bytes(path, compression) as content:
            start = content.read(2)
        with open_text(path, compression) as text:
            head = text.read(MAX_HEADER_LENGTH)
    except CUT_SHORT as error:
        raise ElearnError(f"{path}: cannot be read: {error}") from error
    if not start:
        raise ElearnError(f"{path}: the file is empty; give one with a header line")
    first = "".join(head.splitlines()[:1])
    if start in (b"\xff\xfe", b"\xfe\xff") or "\0" in first:
        raise ElearnError(f"{path}: not a CSV file in UTF-8 (UTF-16 perhaps, or no text at all)")
    if not is_utf8(first):
        raise ElearnError(f"{path}: the header is not UTF-8")
    if len(first) == MAX_HEADER_LENGTH:
        raise ElearnError(f"{path}: the first line is no header: it has over a million characters")
    return head


def _header(head: str, delimiter: str, has_separator_line: bool) -> Header:
    """Return the header by a delimiter, without names when its quotes do not match."""
    names, lines = _first_record(head, delimiter)
    if not names:
        names, lines = _first_record(without_blanks_after_quotes(head, delimiter), delimiter)
    return Header(names, delimiter, lines + has_separator_line, has_separator_line, lines == 1)


def _first_record(head: str, delimiter: str, strict: bool = True) -> tuple[tuple[str, ...], int]:
    lines = io.StringIO(head, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=strict, skipinitialspace=True)
    try:
        return tuple(next(reader, [])), reader.line_num
    except csv.Error:
        return (), reader.line_num


def _normal(name: str) -> str:
    return name.strip().lower()


def _aliases(names: Sequence[str]) -> dict[str, str]:
    """Return the aliases whose column stands neither in the file nor in its folders."""
    found = set(map(_normal, names))
    return {alias: name for alias, name in ALIASES.items() if name not in found}


def _in_the_warehouse(
    path: Path, names: Sequence[str], rules: Rules, aliases: dict[str, str]
) -> dict[str, int]:
    """Return the position of each column of the warehouse among some names."""
    found: dict[str, int] = {}
    for position, given in enumerate(map(_normal, names)):
        name = aliases.get(given, given)
        if name in rules.columns and name in found:
            raise ElearnError(f"{path}: the column {given} stands twice; give it once")
        found.setdefault(name, position)
    return {name: found[name] for name in rules.columns if name in found}


def _check_required(path: Path, names: Sequence[str], found: dict[str, int], rules: Rules) -> None:
    missing = [name for name in rules.required if name not in found]
    if missing:
        shown = ", ".join(repr(name[:30]) for name in names[:10]) + (", ..." if names[10:] else "")
        raise ElearnError(
            f"{path}: no column {', '.join(missing)} in its first line ({shown or 'it is blank'}); "
            f"it needs {', '.join(rules.required)} and may have {', '.join(rules.optional)}"
        )
