"""Arrival by day: the same simulation, loaded up to a day and continued later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from generator.errors import UsageError, not_allowed
from generator.reporter import SILENT, Reporter
from generator.settings import Settings, parse_date
from generator.simulation import simulate_blocks
from generator.simulation.rows import Rows
from generator.sinks.warehouse import (
    advance,
    batches,
    insert_batch,
    simulated_tables,
)
from generator.warehouse.file import (
    Connection,
    Load,
    add_key,
    create_missing,
    last_load,
    record_load,
    replace_content,
)
from generator.warehouse.moving_over import open_moved_over
from generator.warehouse.next_private_file import load_transaction
from generator.warehouse.profile import DAY_COLUMNS, profile_of
from generator.warehouse.summary import Summary, summarise
from generator.warehouse.table import Table
from generator.warehouse.tables import EVENTS, TRUTH, USERS

SOURCE = "generate --through"


def parse_through(text: str, settings: Settings) -> date:
    """Return the day up to which to load, when it lies in the simulated window."""
    through = parse_date("through", text)
    if not settings.start_date <= through <= settings.last_date:
        window = f"a day from {settings.start_date} to {settings.last_date}"
        raise not_allowed("through", text, f"{window}, the simulated window")
    return through


def generate_through(
    warehouse: Path,
    settings: Settings,
    through: date,
    *,
    replace: bool,
    workers: int,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> Summary:
    """Load the simulation's events up to a day, from the day after the last such load on.

    The first step writes the users and the truth whole; the steps together equal one load of
    everything, and a day that is loaded already changes nothing. Returns what the warehouse holds
    then.

    Raises
    ------
    UsageError
        The last load was not a step of the same simulation, or went further.
    """
    with (
        open_moved_over(warehouse, memory_limit, reporter) as con,
        load_transaction(con, warehouse, memory_limit, reporter) as private,
    ):
        loaded = None if replace else _loaded_through(con, settings)
        if loaded is not None and loaded >= through:
            _check_repeated(loaded, through)
            return summarise(con, warehouse, private, is_built=False)
        first_day = settings.start_date if loaded is None else loaded + timedelta(days=1)
        if loaded is None:
            tables = simulated_tables(settings)
            replace_content(con, tables)
            private.replace()
        else:
            tables = tuple(DAY_COLUMNS)
            create_missing(con)
        for batch in batches(within(simulate_blocks(settings, workers), first_day, through)):
            insert_batch(con, batch, tables)
            if loaded is None:
                private.insert(TRUTH, batch[TRUTH.name])
            advance(reporter, batch)
        if loaded is None:
            add_key(con, EVENTS)
        load = Load(
            "simulated", SOURCE, settings.as_dict() | {"through": str(through)}, settings.seed
        )
        span = None if loaded is None else (first_day, through)
        profile = profile_of(con, _arrived(first_day, through, loaded is None), loaded)
        record_load(con, load, span, profile=profile)
        return summarise(con, warehouse, private, is_built=False)


def _arrived(first_day: date, last_day: date, is_first: bool) -> dict[Table, str]:
    """Return the relation of what arrived in each table; users all come with the first step."""
    users = USERS.name if is_first else f"(from {USERS.name} where false)"
    within_days = f"between date '{first_day}' and date '{last_day}'"
    return {USERS: users} | {
        table: f"(from {table.name} where {column} {within_days})"
        for table, column in DAY_COLUMNS.items()
    }


def _loaded_through(con: Connection, settings: Settings) -> date | None:
    """Return the day up to which this simulation is loaded, None before the first load."""
    last = last_load(con)
    if last is None:
        return None
    if last["kind"] == "erased":
        raise UsageError(
            "users or events were erased, which a simulation would bring back; --replace starts"
            " over with all of them",
            "through",
        )
    if last["source"] != SOURCE:
        raise UsageError(
            "the warehouse's last load was not a --through; --replace starts over", "through"
        )
    stored = json.loads(last["settings"])
    through = date.fromisoformat(stored.pop("through"))
    stored = Settings().as_dict() | stored  # of an earlier version it lacks the newer settings
    for name, value in settings.as_dict().items():
        if stored[name] != value:
            raise UsageError(
                f"{value!r} is not allowed; the warehouse continues a simulation with"
                f" {stored[name]!r}, --replace starts over",
                name,
            )
    return through


def _check_repeated(loaded: date, through: date) -> None:
    if loaded > through:
        raise not_allowed(
            "through", through, f"a day from {loaded} on, which is loaded; --replace starts over"
        )


def within(blocks: Iterable[Rows], first_day: date, last_day: date) -> Iterator[Rows]:
    """Keep what arrives on some days; ids count from the start of the history, so they stay."""
    first, last = pa.scalar(first_day), pa.scalar(last_day)
    for rows in blocks:
        arriving = {}
        for table, column in DAY_COLUMNS.items():
            day = rows[table.name][column]
            is_within = pc.and_(pc.greater_equal(day, first), pc.less_equal(day, last))
            arriving[table.name] = rows[table.name].filter(is_within)
        yield rows | arriving
