"""Rows that are rejected: the report of reasons, and the quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.errors import ElearnError
from generator.loader.csv_records import BROKEN, Record
from generator.loader.mapped_cells import LINE
from generator.loader.reader import (
    ROW,
    ROW_ID,
    cells_of,
    column_names,
    read_batches,
    relation,
    with_cells,
)
from generator.loader.rules import Fault
from generator.loader.staging import StagedFile, Staging
from generator.loader.text_format import BLANKS
from generator.warehouse.next_private_file import NextPrivateFile
from generator.warehouse.sql import one_row, quoted
from generator.warehouse.tables import REJECTED_ROWS
from generator.warehouse.versions import BATCH_ROWS

SHOWN_ROWS = 3
"""Rows that a report shows of each reason."""
SHOWN_CHARACTERS = 60
"""Characters that a report shows of each text."""


@dataclass(frozen=True)
class RejectedRow:
    """One rejected row of a report."""

    file: str
    row_number: int
    """Number in its file, from 1 without the header."""
    text: str
    """The text that breaks the rule."""


@dataclass(frozen=True)
class RejectedReason:
    """How many rows of a table are rejected for one reason."""

    table: str
    reason: str
    rows: int
    examples: tuple[RejectedRow, ...]
    """The first few."""


class RejectedError(ElearnError):
    """More rows break a rule than may; carries the reasons."""

    def __init__(self, message: str, reasons: tuple[RejectedReason, ...]) -> None:
        super().__init__(message)
        self.reasons = reasons

    def as_lines(self) -> list[str]:
        """Return the table of reasons for a terminal."""
        return reason_lines(self.reasons)


def reason_lines(reasons: tuple[RejectedReason, ...]) -> list[str]:
    """Return a table of reasons as lines: table, rows, reason, first rows."""
    width = max((len(f"{reason.rows:,}") for reason in reasons), default=0)
    return [
        f"{reason.table:<6}  {reason.rows:>{width},}  {reason.reason}: {_examples(reason)}"
        for reason in reasons
    ]


def _examples(reason: RejectedReason) -> str:
    shown = []
    for row in reason.examples:
        text = row.text if len(row.text) <= SHOWN_CHARACTERS else row.text[:SHOWN_CHARACTERS] + "…"
        place = f"{row.file} row" if row.file else "row"
        shown.append(f"{place} {row.row_number:,}" + (f" {text!r}" if row.text else ""))
    return ", ".join(shown) + (", ..." if reason.rows > len(reason.examples) else "")


def rejected_reasons(staging: Staging) -> tuple[RejectedReason, ...]:
    """Return the reasons for which staged rows are rejected, the most frequent first."""
    counts = staging.con.execute(
        f"""
        select fault, count(*), min(rowid, {SHOWN_ROWS}) from {staging.name}
        where {staging.rejected} group by fault order by count(*) desc, fault
        """
    ).fetchall()
    return tuple(
        _reason(staging, staging.rules.faults[number - 1], rows, row_ids)
        for number, rows, row_ids in counts
    )


def _reason(staging: Staging, fault: Fault, rows: int, row_ids: list[int]) -> RejectedReason:
    examples = _examples_of(staging, row_ids, _is_private(staging, fault))
    return RejectedReason(staging.label, fault.reason, rows, tuple(examples))


def _is_private(staging: Staging, fault: Fault) -> bool:
    """Tell whether what breaks a rule may say who a user is, where ids are names or addresses."""
    return staging.format.has_text_keys and fault.column in ("user_id", "line")


def _examples_of(staging: Staging, row_ids: list[int], is_private: bool) -> Iterator[RejectedRow]:
    for row_id in row_ids:
        query = f"select left(offender, 1000) from {staging.name} where rowid = {row_id}"
        [offender] = one_row(staging.con, query)
        file = next(file for file in staging.files if file.holds(row_id))
        name = str(file.source.path) if len(staging.files) > 1 else ""
        yield RejectedRow(name, row_id - file.first_row + 1, "" if is_private else offender or "")


def keep_rejected(staging: Staging, private: NextPrivateFile, load_id: int) -> None:
    """Write the rejected rows of a load into the quarantine, as they stand in their files."""
    some = f"select 1 from {staging.name} where {staging.rejected} limit 1"
    if not staging.con.execute(some).fetchall():
        return
    keep = partial(_keep, staging, private, load_id)
    keep(
        f"""
        select rowid as row_id, json_object('line', offender) as row,
            cast(null as varchar) as user_id
        from {staging.name} where fault <= {len(BROKEN)}
        """,
    )
    for file in staging.files:
        wanted = _wanted(staging, file)
        if not len(wanted):
            continue
        if file.is_sound:
            keep(with_cells(file.source, _sound_rows(file), ["user_id"]))
        else:
            for rows in _broken_rows(file, wanted):
                staging.con.register("incoming", rows)
                keep(with_cells(file.source, "from incoming", ["user_id"]))
                staging.con.unregister("incoming")
        file.source.check_unchanged()


def _keep(staging: Staging, private: NextPrivateFile, load_id: int, rows: str) -> None:
    """Insert those rows of a relation of row_id, row and user_id that are rejected.

    Lines that cannot be read have a row of null in their file's relation.
    """
    reasons = ", ".join(quoted(fault.reason) for fault in staging.rules.faults)
    rejected = staging.con.sql(
        f"""
        select
            cast({load_id} as integer) as load_id,
            {quoted(staging.label)} as table_name,
            row_id + 1 as row_number,
            [{reasons}][fault] as reason,
            found.row,
            found.user_id as user_text
        from ({rows}) as found
        inner join {staging.name} as staged on staged.rowid = found.row_id
        where {staging.rejected} and found.row is not null
        order by row_id
        """
    )
    private.insert(REJECTED_ROWS, rejected.to_arrow_reader(BATCH_ROWS))


def _wanted(staging: Staging, file: StagedFile) -> NDArray[np.int64]:
    """Return the row ids of the rejected rows of a file that have cells."""
    query = f"""
        select rowid as row_id from {staging.name}
        where fault > {len(BROKEN)} and {staging.rejected}
            and rowid >= {file.first_row} and rowid < {file.first_row + file.rows}
        order by row_id
    """
    return np.asarray(staging.con.execute(query).fetchnumpy()["row_id"], np.int64)


def _sound_rows(file: StagedFile) -> str:
    source = file.source
    if source.kind == "json":  # what is no object has been kept as a line that cannot be read
        is_object = f"json_valid({LINE}) and left(ltrim({LINE}, {quoted(BLANKS)}), 1) = '{{'"
        row = f"case when {is_object} then {LINE} end"
    else:
        # An ignored column of a Parquet file may hold bytes that are no text.
        skipped = source.ignored if source.is_parquet else ()
        names = zip(source.header, column_names(source), strict=True)
        cells = [
            f"{quoted(header)}, cast({name} as varchar)"
            for header, name in names
            if header not in skipped
        ]
        cells += [
            f"{quoted(column)}, {'null' if text is None else quoted(text)}"
            for column, text in source.folder_cells.items()
        ]
        row = f"cast(json_object({', '.join(cells)}) as varchar)"
    return f"""
        select {file.first_row} - 1 + row_number() over () as {ROW_ID}, {row} as {ROW}, *
        from {relation(source)}
    """


def _broken_rows(file: StagedFile, wanted: NDArray[np.int64]) -> Iterator[pa.Table]:
    first = file.first_row
    for batch in read_batches(file.source):
        start, end = np.searchsorted(wanted, (first, first + len(batch)))
        numbers = wanted[start:end]
        records = [batch[number - first] for number in numbers]
        if records:
            rows = pa.array([_json(file, record) for record in records], pa.string())
            cells = cells_of(records, file.source)
            yield pa.table({ROW_ID: numbers, ROW: rows} | cells)
        if end == len(wanted):
            return
        first += len(batch)


def _json(file: StagedFile, record: Record) -> str:
    if file.source.kind == "json":
        return record.line.strip(BLANKS)
    cells = (cell or None for cell in record.cells)
    row = dict(zip(file.source.header, cells, strict=True)) | file.source.folder_cells
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))  # as the engine writes it
