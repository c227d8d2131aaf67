"""What a load lets pass and says: days far from any event, and words that may stand for null."""

from __future__ import annotations

from shlex import quote

import pyarrow as pa

from generator.loader.mapped_cells import LINE
from generator.loader.reader import ROW, ROW_ID, cells_of, read_batches, relation, with_cells
from generator.loader.staging import StagedFile, Staging
from generator.loader.text_format import NULL_LIKE
from generator.warehouse.file import Connection
from generator.warehouse.sql import one_row, quoted_list
from generator.warehouse.tables import EVENTS

MAX_DISTANCE_DAYS = 366
"""A day of the observation window that is further than this from any event earns a warning."""
TEXT_COLUMNS = {"users": ("country", "marketing_source"), "events": ("course_name",)}
"""Columns that take any text."""


def gap_warnings(con: Connection, events: str = EVENTS.name) -> tuple[str, ...]:
    """Return a warning for each long stretch of days without any event of a relation.

    The middle of a gap of g days between two event dates is g // 2 days from either; the ends of
    the observation window are event dates themselves.
    """
    gaps = con.execute(
        f"""
        select previous_date, event_date from (
            select event_date, lag(event_date) over (order by event_date) as previous_date
            from (select distinct event_date from {events})
        ) where (event_date - previous_date) // 2 > {MAX_DISTANCE_DAYS}
        order by event_date
        """
    ).fetchall()
    return tuple(
        f"no event between {previous_date} and {event_date}: days in between are more than"
        f" {MAX_DISTANCE_DAYS} days from any event"
        for previous_date, event_date in gaps
    )


def staged_warnings(users: Staging, events: Staging) -> tuple[str, ...]:
    """Return what is to be said of the rows that are loaded."""
    return tuple(
        line
        for staging in (users, events)
        for line in (*null_warnings(staging), *path_warnings(staging))
    )


def path_warnings(staging: Staging) -> tuple[str, ...]:
    """Return a warning for each column of a mapping that no JSON line has."""
    lines = [file for file in staging.files if file.source.kind == "json"]
    if staging.mapping is None or not lines or len(lines) < len(staging.files):
        return ()
    entries = [entry for entry in staging.mapping.entries if entry.names and entry.default is None]
    counts = ", ".join(["count(*)", *(f"count({entry.column})" for entry in entries)])
    rows, *filled = one_row(staging.con, f"select {counts} from {staging.name}")
    empty = [entry for entry, number in zip(entries, filled, strict=True) if rows and not number]
    return tuple(
        f"{staging.label}: no line has {' or '.join(entry.names)} for {entry.column}"
        for entry in empty
        if not any(_has_cells(staging, file, entry.column) for file in lines)
    )


def _has_cells(staging: Staging, file: StagedFile, column: str) -> bool:
    con, source = staging.con, file.source

    def has(lines: str) -> bool:
        rows = f"select 0 as {ROW_ID}, null as {ROW}, * from {lines} where json_valid({LINE})"
        found = f"select 1 from ({with_cells(source, rows, [column])}) where {column} is not null"
        return bool(con.execute(f"{found} limit 1").fetchall())

    if file.is_sound:
        return has(relation(source))
    for batch in read_batches(source):
        con.register("incoming", pa.table(cells_of(batch, source)))
        is_found = has("incoming")
        con.unregister("incoming")
        if is_found:
            return True
    return False


def null_warnings(staging: Staging) -> tuple[str, ...]:
    """Return a warning for each word for null that a text column of the loaded rows holds."""
    counts = " union all ".join(
        f"""
        select '{column}' as text_column, {column} as word, count(*) as number
        from {staging.name} where fault is null and rowid < {staging.rows_read}
            and lower({column}) in ({quoted_list(NULL_LIKE)}) group by word
        """
        for column in TEXT_COLUMNS[staging.label]
    )
    return tuple(
        f"{column} is {word!r} in {number:,} {staging.label}; --null {quote(word)} makes that null"
        for column, word, number in staging.con.execute(f"{counts} order by all").fetchall()
    )
