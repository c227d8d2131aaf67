"""A simulation into the warehouse, in one atomic step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from generator.reporter import SILENT, Reporter
from generator.settings import Settings
from generator.simulation import simulate_blocks
from generator.simulation.rows import Rows
from generator.sinks.tally import Tally
from generator.warehouse.file import (
    Connection,
    Load,
    add_key,
    open_warehouse,
    record_load,
    replace_content,
)
from generator.warehouse.summary import Summary, summarise
from generator.warehouse.tables import ASSIGNMENTS, EVENTS, TRUTH, USERS, Table

ROW_GROUP = 122_880
"""Rows that DuckDB stores together. What comes in such pieces is written once: rows that do not
fill a group are written again by the checkpoint."""
BATCH_ROWS = 4 * ROW_GROUP
"""Events that one INSERT takes: fewer, larger inserts are faster, and memory stays bounded."""


def generate_warehouse(
    warehouse: Path,
    settings: Settings,
    *,
    workers: int,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> Summary:
    """Simulate into the warehouse and replace what raw and truth held; return what it holds then.

    Raises
    ------
    ElearnError
        The warehouse keeps its old content.
    """
    tables = simulated_tables(settings)
    content = Tally()
    with open_warehouse(warehouse, memory_limit) as con:
        replace_content(con, tables)
        for batch in batches(simulate_blocks(settings, workers, finish=content.add)):
            insert_batch(con, batch, tables)
            advance(reporter, batch)
        add_key(con, EVENTS)
        load = Load("simulated", "generate", settings.as_dict(), settings.seed)
        record_load(con, load, content_version=content.version)
        return summarise(con, warehouse, is_built=False)


def simulated_tables(settings: Settings) -> tuple[Table, ...]:
    """Return the tables that a simulation fills, parents first."""
    return (USERS, EVENTS, TRUTH) + ((ASSIGNMENTS,) if settings.has_experiment else ())


def batches(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """Join consecutive blocks until they have enough events for one insert.

    Events that do not fill a row group wait for the next batch; their users do not.
    """
    waiting: list[Rows] = []
    for block in blocks:
        waiting.append(block)
        event_rows = sum(rows.events.num_rows for rows in waiting)
        if event_rows >= BATCH_ROWS:
            batch = joined(waiting)
            whole = event_rows - event_rows % ROW_GROUP
            yield batch._replace(events=batch.events.slice(0, whole))
            waiting = [_without_users(batch)._replace(events=batch.events.slice(whole))]
    if waiting:
        yield joined(waiting)


def joined(blocks: list[Rows]) -> Rows:
    """Return the rows of several blocks as one, in pieces of ROW_GROUP rows."""
    return Rows._make(
        pa.Table.from_batches(
            pa.concat_tables(parts).combine_chunks().to_batches(max_chunksize=ROW_GROUP),
            parts[0].schema,
        )
        for parts in zip(*blocks, strict=True)
    )


def advance(reporter: Reporter, batch: Rows) -> None:
    """Tell that a batch is written; the total of the step is users."""
    users = batch.users.num_rows
    reporter.advance(users, users=users, events=batch.events.num_rows)


def _without_users(rows: Rows) -> Rows:
    return Rows._make(table.slice(table.num_rows) for table in rows)


def insert_batch(con: Connection, batch: Rows, tables: Iterable[Table]) -> None:
    """Insert the rows of one batch into those of the tables that the simulation fills."""
    parents = {USERS: batch.users, TRUTH: batch.truth, ASSIGNMENTS: batch.assignments}
    for table, rows in {**parents, EVENTS: batch.events}.items():
        if table in tables:
            insert_rows(con, table, rows)


def insert_rows(con: Connection, table: Table, rows: pa.Table) -> None:
    """Insert an Arrow table with the columns of a table of the warehouse.

    Not as a registered view: a transaction keeps the rows of every view until its end.
    """
    con.from_arrow(rows.select(table.column_names)).insert_into(table.name)
