"""A simulation into the warehouse, in one atomic step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from generator.files import Progress
from generator.schema import ASSIGNMENTS, EVENTS, TRUTH, USERS, Table
from generator.settings import Settings
from generator.simulation import simulate_blocks
from generator.simulation.rows import Rows
from generator.warehouse import (
    Connection,
    Load,
    add_key,
    open_warehouse,
    record_load,
    replace_content,
)

BATCH_ROWS = 1_000_000
"""Events that one INSERT takes: fewer, larger inserts are faster, and memory stays bounded."""


def generate(
    warehouse: Path,
    settings: Settings,
    *,
    workers: int,
    memory_limit: str | None = None,
    progress: Progress = lambda users, events: None,
) -> int:
    """Simulate into the warehouse and replace what raw and truth held; return the load_id.

    Raises
    ------
    ElearnError
        The warehouse keeps its old content.
    """
    tables = simulated_tables(settings)
    with open_warehouse(warehouse, memory_limit) as con:
        replace_content(con, tables)
        for batch in batches(simulate_blocks(settings, workers)):
            insert_batch(con, batch, tables)
            progress(batch.users.num_rows, batch.events.num_rows)
        add_key(con, EVENTS)
        return record_load(con, Load("simulated", "generate", settings.as_dict(), settings.seed))


def simulated_tables(settings: Settings) -> tuple[Table, ...]:
    """Return the tables that a simulation fills, parents first."""
    return (USERS, EVENTS, TRUTH) + ((ASSIGNMENTS,) if settings.has_experiment else ())


def batches(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """Join consecutive blocks until they have enough events for one insert."""
    waiting: list[Rows] = []
    for block in blocks:
        waiting.append(block)
        if sum(rows.events.num_rows for rows in waiting) >= BATCH_ROWS:
            yield joined(waiting)
            waiting = []
    if waiting:
        yield joined(waiting)


def joined(blocks: list[Rows]) -> Rows:
    """Return the rows of several blocks as one."""
    return Rows._make(map(pa.concat_tables, zip(*blocks, strict=True)))


def insert_batch(con: Connection, batch: Rows, tables: Iterable[Table]) -> None:
    """Insert the rows of one batch into those of the tables that the simulation fills."""
    parents = {USERS: batch.users, TRUTH: batch.truth, ASSIGNMENTS: batch.assignments}
    for table, rows in {**parents, EVENTS: batch.events}.items():
        if table in tables:
            insert_rows(con, table, rows)


def insert_rows(con: Connection, table: Table, rows: pa.Table) -> None:
    """Insert an Arrow table with the columns of a table of the warehouse."""
    con.register("incoming", rows)
    try:
        columns = ", ".join(table.column_names)
        con.execute(f"insert into {table.name} ({columns}) select {columns} from incoming")
    finally:
        con.unregister("incoming")
