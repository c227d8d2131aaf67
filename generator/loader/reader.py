"""Files into texts: by the engine, in parallel, or record by record where a file is not sound."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
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
    json_records,
    open_bytes,
    open_text,
    readable,
    records,
)
from generator.loader.mapped_cells import FLOAT_TYPES, LINE
from generator.loader.mapped_texts import mapped_texts
from generator.loader.mapped_values import given_cells
from generator.loader.parquet_file import engine_path, parquet_relation
from generator.loader.rules import Rules
from generator.loader.source_file import Source
from generator.loader.text_format import BLANKS
from generator.warehouse.sql import name_in, quoted

CHUNK_BYTES = 2**20
OVERLAP_BYTES = 2**12
"""What is looked at once more with the next chunk."""
ROW_ID, ROW = "staged_row_id", "staged_row"
"""The place of a row in the staging table, and its text, beside the columns of its file."""
BATCH_RECORDS = 50_000
BATCH_CHARACTERS = 2**24
"""A batch of records ends at either."""


def relation(source: Source) -> str:
    """Return the table function that reads all columns of a sound file.

    The columns of a CSV file are texts named c0, c1 and so on, so that no name in the file
    becomes SQL.
    """
    if source.kind == "parquet":
        return parquet_relation(source.path)
    if source.kind == "json":
        return _lines_relation(source)
    header = source.csv_header
    assert header is not None
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in column_names(source))
    return f"""read_csv(
        {quoted(engine_path(source.path))}, columns = {{{columns}}}, auto_detect = false,
        delim = {quoted(source.format.delimiter)}, header = true,
        skip = {int(header.has_separator_line)}, quote = '"', escape = '"', nullstr = '',
        strict_mode = true, null_padding = false,
        hive_partitioning = false, max_line_size = {MAX_LINE_LENGTH},
        compression = '{source.compression}'
    )"""


def _lines_relation(source: Source) -> str:
    """Return the relation of the lines of a file that are not blank, each as one text."""
    return f"""(
        select {LINE} from read_csv(
            {quoted(engine_path(source.path))}, columns = {{'{LINE}': 'VARCHAR'}},
            auto_detect = false, delim = chr(1), header = false, quote = '', escape = '',
            strict_mode = true, null_padding = false, hive_partitioning = false,
            max_line_size = {MAX_LINE_LENGTH}, compression = '{source.compression}'
        ) where trim({LINE}, {quoted(BLANKS)}) <> ''
    )"""


def column_names(source: Source) -> list[str]:
    """Return the names of a relation's columns, ready for SQL."""
    if source.kind == "json":
        return [LINE]
    if source.is_parquet:
        return [name_in(name) for name in source.header]
    return [f"c{position}" for position in range(len(source.header))]


def sound_texts(source: Source, rules: Rules) -> str:
    """Return the query for the texts of a sound file that ``rules.typed`` takes."""
    if source.mapped is not None:
        rows = f"""
            select *, cast(null as utinyint) as broken, cast(null as varchar) as text_line
            from {_used_columns(source)}
        """
        is_lines = source.kind == "json"
        return mapped_texts(source.mapped, rules, source.format, rows, is_lines)
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


def _used_columns(source: Source) -> str:
    """Return the relation of a file, without columns that have names of ours."""
    if not source.is_parquet:
        return relation(source)
    used = " ".join(cell.base for cell in source.mapped.cells.values()) if source.mapped else ""
    names = [name for name in column_names(source) if name in used] or ["null as nothing"]
    return f"(select {', '.join(names)} from {relation(source)})"


def _literal(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _disputed(source: Source) -> str | None:
    """Return what ``rules.typed`` takes as ``text_folders``."""
    return json.dumps(source.disputed, ensure_ascii=False) if source.disputed else None


def read_batches(source: Source) -> Iterator[list[Record]]:
    """Yield the records of a text file in batches of bounded size."""
    batch: list[Record] = []
    characters = 0
    with _below_header(source) as text:
        is_lines, n_columns = source.kind == "json", len(source.header)
        found = (
            json_records(text) if is_lines else records(text, source.format.delimiter, n_columns)
        )
        for record in found:
            batch.append(record)
            characters += len(record.line)
            if len(batch) == BATCH_RECORDS or characters > BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
    if batch:
        yield batch


@contextmanager
def _below_header(source: Source) -> Iterator[TextIO]:
    """Open a text file where its first record begins."""
    newline = "\n" if source.kind == "json" else ""
    with open_text(source.path, source.compression, newline) as text:
        for _ in range(source.csv_header.lines if source.csv_header else 0):
            text.readline()
        yield text


def has_records(source: Source) -> bool:
    """Tell whether a text file has more than a header and blank lines."""
    blanks = BLANKS if source.kind == "json" else "\r\n"
    with _below_header(source) as text:
        return any(line.strip(blanks) for line in iter(partial(text.readline, CHUNK_BYTES), ""))


def broken_texts(batch: list[Record], source: Source, rules: Rules) -> pa.Table:
    """Return the texts of a batch of records as ``rules.typed`` takes them."""
    cells = cells_of(batch, source)
    if source.mapped is not None:
        return _with_faults(cells, batch)
    names, columns = column_names(source), {}
    for column in rules.columns:
        position = source.positions.get(column)
        same = [source.folders.get(column)] * len(batch)
        columns[f"text_{column}"] = (
            pa.array(same, pa.string()) if position is None else cells[names[position]]
        )
    columns["text_folders"] = pa.array([_disputed(source)] * len(batch), pa.string())
    return _with_faults(columns, batch)


def cells_of(batch: list[Record], source: Source) -> dict[str, pa.Array]:
    """Return the cells of records by the names of a relation's columns."""
    nothing = [""] * len(source.header)
    cells = zip(*(record.cells or nothing for record in batch), strict=True)
    names = column_names(source)
    return {name: pa.array(texts, pa.string()) for name, texts in zip(names, cells, strict=True)}


def _with_faults(columns: dict[str, pa.Array], batch: list[Record]) -> pa.Table:
    broken = [BROKEN.index(record.reason) + 1 if record.reason else None for record in batch]
    lines = [readable(record.line) if record.reason else None for record in batch]
    columns["broken"] = pa.array(broken, pa.uint8())
    columns["text_line"] = pa.array(lines, pa.string())
    return pa.table(columns)


def broken_query(source: Source, rules: Rules) -> str:
    """Return the query for the texts of a batch of records that is called ``incoming``."""
    if source.mapped is None:
        return "from incoming"
    is_lines = source.kind == "json"
    return mapped_texts(source.mapped, rules, source.format, "from incoming", is_lines)


def with_cells(source: Source, rows: str, columns: Sequence[str]) -> str:
    """Return rows with the texts of some columns as they were given, under the columns' names.

    Parameters
    ----------
    source
        The file.
    rows
        Relation with the columns of the file, ROW_ID and ROW; these become ``row_id`` and ``row``.
    columns
        Columns of raw.
    """
    if source.mapped is None:
        texts = [_given(source, column) for column in columns]
    else:
        is_lines = source.kind == "json"
        rows, texts = given_cells(source.mapped, source.format, rows, is_lines, columns)
    found = [f"{text} as {column}" for text, column in zip(texts, columns, strict=True)]
    return f"select {ROW_ID} as row_id, {ROW} as row, {', '.join(found)} from ({rows})"


def _given(source: Source, column: str) -> str:
    position = source.positions.get(column)
    text = source.folders.get(column)
    cell = _literal(text) if position is None else column_names(source)[position]
    return f"nullif(trim(cast({cell} as varchar), {quoted(BLANKS)}), '')"


def is_plain(source: Source) -> bool:
    """Tell whether the engine reads a text file right; raise when a compressed stream is cut.

    The engine looks for the end of a header only by the line ends of the file, reads a cut stream
    silently short, loses a line of many megabytes without a word, and breaks down over a byte that
    is not UTF-8 when it reads some of the columns only. Of blanks before an opening quote it takes
    one, and behind more of them the quote for a character.
    """
    is_plain = source.csv_header is None or source.csv_header.is_one_line
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
    if source.kind == "json":
        return False
    mark = re.escape(source.format.delimiter.encode())
    return b'  "' in content and bool(re.search(rb"[\r\n%b]  +\"" % mark, content))


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True
