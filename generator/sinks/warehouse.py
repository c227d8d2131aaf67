"""A simulation into the warehouse, in one atomic step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from generator.reporter import SILENT, Reporter
from generator.settings import Settings
from generator.simulation import simulate_blocks
from generator.simulation.rows import Rows, joined
from generator.sinks.tally import Tally
from generator.warehouse.file import (
    Connection,
    Load,
    add_key,
    record_load,
    replace_content,
)
from generator.warehouse.moving_over import open_moved_over
from generator.warehouse.next_private_file import load_transaction
from generator.warehouse.profile import profile_of
from generator.warehouse.summary import Summary, summarise
from generator.warehouse.table import Table
from generator.warehouse.tables import (
    ASSIGNMENTS,
    EVENTS,
    TRUTH,
    USER_CHANGES,
    USERS,
    VERSIONED_TABLES,
)

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
    """Simulate into the warehouse in place of all it held; return what it holds then.

    Raises
    ------
    ElearnError
        The warehouse keeps its old content.
    """
    tables = simulated_tables(settings)
    content = Tally()
    with (
        open_moved_over(warehouse, memory_limit, reporter) as con,
        load_transaction(con, warehouse, memory_limit, reporter) as private,
    ):
        replace_content(con, tables)
        private.replace()
        for batch in batches(simulate_blocks(settings, workers, finish=content.add)):
            insert_batch(con, batch, tables)
            private.insert(TRUTH, batch[TRUTH.name])
            advance(reporter, batch)
        add_key(con, EVENTS)
        load = Load("simulated", "generate", settings.as_dict(), settings.seed)
        profile = profile_of(con, {table: table.name for table in VERSIONED_TABLES})
        record_load(con, load, content_version=content.version, profile=profile)
        return summarise(con, warehouse, private, is_built=False)


def simulated_tables(settings: Settings) -> tuple[Table, ...]:
    """Return the tables of the warehouse that a simulation fills, parents first."""
    assignments = (ASSIGNMENTS,) if settings.has_experiment else ()
    return (USERS, *assignments, USER_CHANGES, EVENTS)


def batches(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """Join consecutive blocks until they have enough events for one insert.

    Events that do not fill a row group wait for the next batch; their users do not.
    """
    waiting: list[Rows] = []
    for block in blocks:
        waiting.append(block)
        event_rows = sum(rows[EVENTS.name].num_rows for rows in waiting)
        if event_rows >= BATCH_ROWS:
            batch = _in_pieces(joined(waiting))
            events = batch[EVENTS.name]
            whole = event_rows - event_rows % ROW_GROUP
            yield batch | {EVENTS.name: events.slice(0, whole)}
            nothing = {name: rows.slice(rows.num_rows) for name, rows in batch.items()}
            waiting = [nothing | {EVENTS.name: events.slice(whole)}]
    if waiting:
        yield _in_pieces(joined(waiting))


def _in_pieces(batch: Rows) -> Rows:
    """Return the same rows in pieces of ROW_GROUP rows."""
    return {
        name: pa.Table.from_batches(
            rows.combine_chunks().to_batches(max_chunksize=ROW_GROUP), rows.schema
        )
        for name, rows in batch.items()
    }


def advance(reporter: Reporter, batch: Rows) -> None:
    """Tell that a batch is written; the total of the step is users."""
    users = batch[USERS.name].num_rows
    reporter.advance(users, users=users, events=batch[EVENTS.name].num_rows)


def insert_batch(con: Connection, batch: Rows, tables: Iterable[Table]) -> None:
    """Insert the rows of one batch into the given tables, parents first."""
    for table in tables:
        insert_rows(con, table, batch[table.name])


def insert_rows(con: Connection, table: Table, rows: pa.Table) -> None:
    """Insert an Arrow table with the columns of a table of the warehouse.

    Not as a registered view: a transaction keeps the rows of every view until its end.
    """
    con.from_arrow(rows.select(table.column_names)).insert_into(table.name)
