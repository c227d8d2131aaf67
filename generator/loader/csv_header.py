"""The header of a CSV file: its delimiter, its names, and where the records begin."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import ElearnError
from generator.loader.csv_records import (
    CUT_SHORT,
    compression_of,
    is_utf8,
    open_bytes,
    open_text,
    without_blanks_after_quotes,
)

DELIMITERS = (",", ";", "\t", "|")
SEPARATOR_LINE = re.compile(r'"?sep=([^" \r\n])"?(\r\n|\r|\n|\Z)', re.IGNORECASE)
"""What Excel writes and reads above the header."""
MAX_HEADER_LENGTH = 1_000_000
"""Characters among which the first line must end."""
Fits = Callable[[Sequence[str]], bool]
"""Tells whether the names of a header are those that are needed."""


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


def csv_header_of(path: Path, fits: Fits) -> Header:
    """Return the header of a file, by the delimiter with which it fits.

    Raises
    ------
    ElearnError
        The file is no CSV file in UTF-8.
    """
    head = _head(path)
    separator = SEPARATOR_LINE.match(head)
    delimiters: tuple[str, ...] = DELIMITERS
    if separator:
        head, delimiters = head[separator.end() :], (separator[1],)
    headers = [_header(head, delimiter, bool(separator)) for delimiter in delimiters]
    for header in headers:
        if fits(header.names):
            if not all(map(is_utf8, header.names)):
                raise ElearnError(f"{path}: the header is not UTF-8")
            return header
    for delimiter in delimiters:
        if fits(_first_record(head, delimiter, strict=False)[0]):
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
