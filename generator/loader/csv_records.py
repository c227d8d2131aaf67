"""CSV records, one at a time: slower than the engine, and able to say what is wrong with each.

The engine reads a file that is sound. This reader takes the header of every file, and all of a
file in which the engine met a record that does not parse. Memory stays bounded, whatever a line
holds.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Literal, NamedTuple, TextIO, cast

import pyarrow as pa

Compression = Literal["none", "gzip", "zstd"]

CUT_SHORT = (EOFError, zlib.error, OSError)
"""What reading a broken compressed stream raises."""
MAX_LINE_LENGTH = 4_000_000
"""Bytes of the longest line, and characters of the longest cell; beyond is a broken record."""

BROKEN_CELLS = "the line has more or fewer cells than the header"
BROKEN_QUOTES = "the quotes do not match"
BROKEN_ENCODING = "the line is not UTF-8"
BROKEN_LENGTH = f"the line is longer than {MAX_LINE_LENGTH:,} characters"
BROKEN_JSON = "the line is not JSON"
BROKEN_OBJECT = "the line is no JSON object"
BROKEN = (
    BROKEN_CELLS,
    BROKEN_QUOTES,
    BROKEN_ENCODING,
    BROKEN_LENGTH,
    BROKEN_JSON,
    BROKEN_OBJECT,
)
"""Reasons for which a record has no cells at all."""


class Record(NamedTuple):
    """One record of a CSV file: its cells, or the reason why it has none."""

    cells: list[str]
    line: str
    """The text of the record as it stands in the file."""
    reason: str = ""


def compression_of(path: Path) -> Compression:
    """Return how a file is compressed, by its content."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zstd" if start == b"\x28\xb5\x2f\xfd" else "none"


def open_bytes(path: Path, compression: Compression) -> IO[bytes]:
    """Open a file for reading its content, decompressed."""
    if compression == "gzip":
        return cast(IO[bytes], gzip.open(path))
    if compression == "zstd":
        return cast(IO[bytes], pa.input_stream(str(path), compression="zstd"))
    return path.open("rb")


@contextmanager
def open_text(path: Path, compression: Compression, newline: str = "") -> Iterator[TextIO]:
    """Open a file as text; bytes that are not UTF-8 become lone surrogates."""
    with (
        open_bytes(path, compression) as content,
        io.TextIOWrapper(content, "utf-8-sig", "surrogateescape", newline=newline) as text,
    ):
        limit = csv.field_size_limit(MAX_LINE_LENGTH)
        try:
            yield text
        finally:
            csv.field_size_limit(limit)


def records(text: TextIO, delimiter: str, n_columns: int) -> Iterator[Record]:
    """Yield the records of a text after its header, in order; blank lines are none."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        lines.taken.clear()
        try:
            cells, reason = next(reader), ""
        except StopIteration:
            return
        except csv.Error:
            if lines.mend(delimiter):
                continue
            cells, reason = [], BROKEN_QUOTES
        if lines.is_too_long:
            lines.is_too_long, reason = False, BROKEN_LENGTH
        elif reason:
            lines.give_back_all_but_one()  # a stray quote costs its own line, not those below
        if cells or reason:
            yield _record(cells, "".join(lines.taken), reason, n_columns)


def json_records(text: TextIO) -> Iterator[Record]:
    """Yield the lines of a file of JSON lines, each as the one cell of a record; no blank ones."""
    lines = _Lines(text)
    for line in lines:
        reason = BROKEN_LENGTH if lines.is_too_long else ""
        if not reason and not is_utf8(line):
            reason = BROKEN_ENCODING
        if reason or line.strip():
            yield Record([] if reason else [line], lines.taken[-1], reason)
        lines.is_too_long = False
        lines.taken.clear()


def _record(cells: list[str], line: str, reason: str, n_columns: int) -> Record:
    if not reason and len(cells) == n_columns and line.isascii():
        return Record(cells, line)
    # Empty cells beyond the header are let pass, as the engine does.
    if not reason and (len(cells) < n_columns or any(cells[n_columns:])):
        reason = BROKEN_CELLS
    if not reason and not is_utf8(line):
        reason = BROKEN_ENCODING
    return Record([] if reason else cells[:n_columns], line, reason)


def is_utf8(text: str) -> bool:
    """Tell whether a text that was opened here came from UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def readable(text: str) -> str:
    """Return a text with bytes that are not UTF-8 replaced."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def without_blanks_after_quotes(text: str, delimiter: str) -> str:
    """Return a text of CSV without the blanks between a closing quote and a delimiter."""
    mark = re.escape(delimiter)
    return re.sub(rf'((?:\A|{mark}) *"(?:[^"]|"")*") *(?=[{mark}\r\n]|\Z)', r"\1", text)


class _Lines:
    """The lines of a text, none longer than is good; remembers what it gave."""

    def __init__(self, text: TextIO) -> None:
        self._pieces = iter(partial(text.readline, MAX_LINE_LENGTH), "")
        self._given_back: list[str] = []
        self.taken: list[str] = []
        self.is_too_long = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        piece = self._given_back.pop() if self._given_back else next(self._pieces)
        self.taken.append(piece)
        if len(piece) < MAX_LINE_LENGTH or piece.endswith(("\n", "\r")):
            return piece
        self.is_too_long = True
        self.taken[-1] = piece[:1000]
        while piece and not piece.endswith(("\n", "\r")):
            piece = next(self._pieces, "")
        return "\n"

    def mend(self, delimiter: str) -> bool:
        """Give the lines taken once more without blanks after a closing quote, if there are any.

        The engine, which reads sound files, lets such blanks pass.
        """
        text = "".join(self.taken)
        mended = without_blanks_after_quotes(text, delimiter)
        if mended != text:
            self._given_back.extend(reversed(list(io.StringIO(mended, newline=""))))
        return mended != text

    def give_back_all_but_one(self) -> None:
        """Give the lines after the first one taken once more."""
        self._given_back.extend(reversed(self.taken[1:]))
        del self.taken[1:]
