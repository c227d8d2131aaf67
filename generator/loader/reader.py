"""Files into texts: by the engine, in parallel, or record by record where a file is not sound."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TextIO

import pyarrow as pa

from generator.errors import ElearnError
from generator.loader.csv_records import (
    BROKEN,
    CUT_SHORT,
    MAX_LINE_LENGTH,
    Record,
    open_bytes,
    open_text,
    readable,
    records,
)
from generator.loader.rules import Rules
from generator.loader.source_file import FLOAT_TYPES, Source, engine_path, parquet_relation
from generator.warehouse.sql import name_in, quoted

CHUNK_BYTES = 2**20
OVERLAP_BYTES = 2**12
"""What is looked at once more with the next chunk."""
BATCH_RECORDS = 50_000
BATCH_CHARACTERS = 2**24
"""A batch of records ends at either."""


def relation(source: Source) -> str:
    """Return the table function that reads all columns of a sound file.

    The columns of a CSV file are texts named c0, c1 and so on, so that no name in the file
    becomes SQL.
    """
    header = source.csv_header
    if header is None:
        return parquet_relation(source.path)
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in column_names(source))
    return f"""read_csv(
        {quoted(engine_path(source.path))}, columns = {{{columns}}}, auto_detect = false,
        delim = {quoted(source.format.delimiter)}, header = true,
        skip = {int(header.has_separator_line)}, quote = '"', escape = '"', nullstr = '',
        strict_mode = true, null_padding = false,
        hive_partitioning = false, max_line_size = {MAX_LINE_LENGTH},
        compression = '{source.compression}'
    )"""


def column_names(source: Source) -> list[str]:
    """Return the names of a relation's columns, ready for SQL."""
    if source.is_parquet:
        return [name_in(name) for name in source.header]
    return [f"c{position}" for position in range(len(source.header))]


def sound_texts(source: Source, rules: Rules) -> str:
    """Return the query for the texts of a sound file that ``rules.typed`` takes."""
    names, texts = column_names(source), []
    for column in rules.columns:
        position = source.positions.get(column)
        if position is None:
            text = _literal(source.folders.get(column))
        elif source.types and source.types[position] in FLOAT_TYPES:  # a number that is missing
            text = f"case when not isnan({names[position]}) then {names[position]} end"
        else:
            text = names[position]
        texts.append(f"cast({text} as varchar) as text_{column}")
    texts += [f"cast({_literal(_disputed(source))} as varchar) as text_folders"]
    texts += ["cast(null as utinyint) as broken", "cast(null as varchar) as text_line"]
    return f"select {', '.join(texts)} from {relation(source)}"


def _literal(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _disputed(source: Source) -> str | None:
    """Return what ``rules.typed`` takes as ``text_folders``."""
    return json.dumps(source.disputed, ensure_ascii=False) if source.disputed else None


def read_batches(source: Source) -> Iterator[list[Record]]:
    """Yield the records of a CSV file in batches of bounded size."""
    batch: list[Record] = []
    characters = 0
    with _below_header(source) as text:
        for record in records(text, source.format.delimiter, len(source.header)):
            batch.append(record)
            characters += len(record.line)
            if len(batch) == BATCH_RECORDS or characters > BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
    if batch:
        yield batch


@contextmanager
def _below_header(source: Source) -> Iterator[TextIO]:
    """Open a CSV file as text, where its first record begins."""
    assert source.csv_header is not None
    with open_text(source.path, source.compression) as text:
        for _ in range(source.csv_header.lines):
            text.readline()
        yield text


def has_records(source: Source) -> bool:
    """Tell whether a CSV file has more than a header and blank lines."""
    with _below_header(source) as text:
        return any(line.strip("\r\n") for line in iter(partial(text.readline, CHUNK_BYTES), ""))


def broken_texts(batch: list[Record], source: Source, rules: Rules) -> pa.Table:
    """Return the texts of a batch of records as ``rules.typed`` takes them."""
    nothing = [""] * len(source.header)
    cells = list(zip(*(record.cells or nothing for record in batch), strict=True))
    columns = {}
    for column in rules.columns:
        position = source.positions.get(column)
        same = [source.folders.get(column)] * len(batch)
        columns[f"text_{column}"] = pa.array(
            same if position is None else cells[position], pa.string()
        )
    columns["text_folders"] = pa.array([_disputed(source)] * len(batch), pa.string())
    broken = [BROKEN.index(record.reason) + 1 if record.reason else None for record in batch]
    lines = [readable(record.line) if record.reason else None for record in batch]
    columns["broken"] = pa.array(broken, pa.uint8())
    columns["text_line"] = pa.array(lines, pa.string())
    return pa.table(columns)


def is_plain(source: Source) -> bool:
    """Tell whether the engine reads a CSV file right; raise when a compressed stream is cut.

    The engine looks for the end of a header only by the line ends of the file, reads a cut stream
    silently short, loses a line of many megabytes without a word, and breaks down over a byte that
    is not UTF-8 when it reads some of the columns only. Of blanks before an opening quote it takes
    one, and behind more of them the quote for a character.
    """
    assert source.csv_header is not None
    is_plain = source.csv_header.is_one_line
    decoder, length, before = codecs.getincrementaldecoder("utf-8")(), 0, b"\n"
    try:
        with open_bytes(source.path, source.compression) as content:
            while chunk := content.read(CHUNK_BYTES):
                end, last_end = chunk.find(b"\n"), chunk.rfind(b"\n")
                length += len(chunk) if end < 0 else end
                is_plain = is_plain and length < MAX_LINE_LENGTH and _decodes(decoder, chunk)
                is_plain = is_plain and not _has_blanks_before_a_quote(before + chunk, source)
                before = chunk[-OVERLAP_BYTES:]
                length = length if end < 0 else len(chunk) - last_end
    except CUT_SHORT as error:
        raise ElearnError(f"{source.path}: cannot be read: {error}") from error
    return is_plain and _decodes(decoder, b"", final=True)


def _has_blanks_before_a_quote(content: bytes, source: Source) -> bool:
    mark = re.escape(source.format.delimiter.encode())
    return b'  "' in content and bool(re.search(rb"[\r\n%b]  +\"" % mark, content))


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True
