"""The warehouse file: the only module that opens it for writing, and its load history.

What a load puts into it is one transaction on one connection (:mod:`.private`), so that the file
holds the old content or the new one, whatever happens in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from generator.errors import ElearnError, LockedError, first_line, not_allowed
from generator.warehouse.own_objects import check_replaceable, create_kept_indexes, keep_indexes
from generator.warehouse.paths import check_path, next_path, private_path, resolved
from generator.warehouse.profile import Profile, as_json
from generator.warehouse.spilled import remove_spilled
from generator.warehouse.sql import has_table, one_row
from generator.warehouse.table import Table
from generator.warehouse.tables import CONTENT_TABLES, EVENTS, LOADS, STANDING_TABLES, USERS
from generator.warehouse.versions import dataset_version

# Readers lag behind writers: a file in this format opens in every DuckDB from 1.1 on.
STORAGE = {"storage_compatibility_version": "v1.0.0"}

# Every commit is a checkpoint, which switches from the old content to the new by one header: no
# log is left to replay, whenever the process dies. (A reader cannot replay that of a new key.)
DURABILITY = {"wal_autocheckpoint": "0B"}

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Load:
    """What the load history says about one load, besides what it reads off the tables."""

    kind: str
    source: str
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None


@contextmanager
def open_connection(path: Path, memory_limit: str | None = None) -> Iterator[Connection]:
    """Open the warehouse for writing.

    A warehouse that does not exist is created, and removed again when the body fails.

    Raises
    ------
    UsageError
        The path cannot be a warehouse.
    LockedError
        Another process has it open.
    """
    check_path(path)
    was_there = path.exists()
    con = connect(path, memory_limit)
    for file in (path, private_path(path)):  # which nobody reads who has not this one open
        remove_spilled(file)
    # Another process may have made and filled it before this one held the lock.
    is_new = not was_there and not con.execute("from duckdb_tables()").fetchall()
    try:
        yield con
    except BaseException as error:
        con.close()
        if is_new:
            remove_database(path)
            remove_database(next_path(private_path(path)))  # of a commit that failed
        if isinstance(error, duckdb.Error):
            raise ElearnError(f"{path}: {first_line(error)}{remedy(error)}") from error
        raise
    con.close()


def remedy(error: duckdb.Error) -> str:
    """Return what to do about an error of the engine, to stand after it; often nothing."""
    # A commit that runs out of memory is no OutOfMemoryException, but says so.
    if re.search(r"out of memory|iB used\)", str(error), re.IGNORECASE):
        return "; give a larger --memory-limit"
    # Keys of ours are held to the rows before; an index on new rows is so by the commit alone.
    is_index = re.search(r"Failed to commit: .*UNIQUE constraint", str(error))
    return "; drop the unique index that you made: the new rows do not fit it" if is_index else ""


@contextmanager
def read_warehouse(path: Path, memory_limit: str | None = None) -> Iterator[Connection]:
    """Open an existing warehouse for reading.

    Raises
    ------
    ElearnError
        There is no warehouse, nothing is loaded, or a query of the body failed.
    """
    check_path(path, writable=False)
    nothing = f"{path}: nothing is loaded; run `elearn generate` or `elearn load` first"
    if not path.exists() or not path.stat().st_size:
        raise ElearnError(nothing)
    con = connect(path, memory_limit, read_only=True)
    try:
        if not has_table(con, LOADS.name):
            raise ElearnError(nothing)
        yield con
    except duckdb.Error as error:
        raise ElearnError(f"{path}: {first_line(error)}{remedy(error)}") from error
    finally:
        con.close()


def check_unlocked(path: Path) -> None:
    """Raise when nothing is loaded, or the warehouse cannot be opened for writing now."""
    with read_warehouse(path):
        pass
    check_path(path)
    connect(path, None).close()


def wal_of(path: Path) -> Path:
    """Return where the log of a file stands: beside the file, not beside a link to it."""
    file = resolved(path)
    return file.with_name(file.name + ".wal")


def connect(
    path: Path, memory_limit: str | None, *, read_only: bool = False, name: str = "warehouse"
) -> Connection:
    """Open a DuckDB file; errors call it by ``name``.

    A log that a killed writer left is put into the file first, which only a writer can do.
    """
    config: dict[str, Any] = STORAGE | DURABILITY
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    try:
        # An absolute path is always a file: ":memory:" and "md:name" mean something else.
        file = str(path.absolute())
        if read_only and wal_of(path).exists():
            duckdb.connect(file, config=config).close()
        return duckdb.connect(file, read_only=read_only, config=config)
    except duckdb.Error as error:
        raise _connect_error(path, memory_limit, str(error), name) from error


def _connect_error(path: Path, memory_limit: str | None, text: str, name: str) -> ElearnError:
    if "Could not set lock" in text:
        holder = re.search(r"held in (.+?) \(PID (\d+)\)", text)
        who = f"process {holder[2]} ({holder[1]})" if holder else "another process"
        return LockedError(f"{path}: {who} has the {name} open; try again when it is closed")
    if memory_limit is not None and "memory" in text.lower():
        return not_allowed("memory_limit", memory_limit, "a size such as 4GB")
    if "not a valid DuckDB" in text:
        return not_allowed(name, path, "a DuckDB file or a new name")
    return ElearnError(f"{path}: {text.splitlines()[0]}")


def remove_database(path: Path) -> None:
    """Remove a DuckDB file, its log and what it spilled, where they are there."""
    for leftover in (resolved(path), wal_of(path)):
        leftover.unlink(missing_ok=True)
    remove_spilled(path)


def replace_content(con: Connection, tables: tuple[Table, ...]) -> None:
    """Drop the content of raw, and create the given tables, parents first.

    ``raw.events`` has no primary key yet: call :func:`add_key` when its rows are in.

    Raises
    ------
    ElearnError
        A table of a person's own refers to one of them.
    """
    check_replaceable(con)
    keep_indexes(con)
    con.execute("create schema if not exists raw")
    for table in reversed(CONTENT_TABLES):
        con.execute(f"drop table if exists {table.name}")
    for table in tables:
        create_table(con, table)
    create_missing(con)


def create_missing(con: Connection) -> None:
    """Create what every warehouse has and an earlier version did not know."""
    for table in STANDING_TABLES:
        if not has_table(con, table.name):
            create_table(con, table)
    there = con.sql(f"from {LOADS.name} limit 0").columns
    for column in LOADS.columns:
        if column.name not in there:
            con.execute(f"alter table {LOADS.name} add column {column.ddl}")
            con.execute(LOADS.comment_ddl(column))


def create_table(con: Connection, table: Table) -> None:
    """Create a table with its comments, and with its key unless that comes after the rows."""
    con.execute(table.ddl)
    for comment in table.comments_ddl:
        con.execute(comment)


def add_key(con: Connection, table: Table) -> None:
    """Add the primary key of a table whose rows are in, and the indexes of a person's own."""
    con.execute(table.key_ddl)
    create_kept_indexes(con)


def last_load(con: Connection) -> dict[str, Any] | None:
    """Return the last row of the load history, None when there is none."""
    if not has_table(con, LOADS.name):
        return None
    rows = read_loads(con, "order by load_id desc limit 1")
    return rows[0] if rows else None


def read_loads(con: Connection, which: str = "order by load_id") -> list[dict[str, Any]]:
    """Return rows of the load history; of an earlier version they lack the newer columns."""
    found = con.execute(f"from {LOADS.name} {which}")
    there = [column[0] for column in found.description]
    nothing = dict.fromkeys(LOADS.column_names)
    return [nothing | dict(zip(there, row, strict=True)) for row in found.fetchall()]


def record_load(
    con: Connection,
    load: Load,
    touched: tuple[date | None, date | None] | None = None,
    content_version: str | None = None,
    profile: Profile | None = None,
) -> int:
    """Write a load into the load history, after its rows; return its load_id.

    Parameters
    ----------
    con
        The connection that inserted the rows.
    load
        What was loaded.
    touched
        First and last day that the load changed; None for a load that replaced everything: all
        days of the old and of the new content.
    content_version
        The dataset version, where it was computed as the rows came in; None reads them again.
    profile
        What the load brought; None where it brought nothing.
    """
    create_missing(con)
    user_rows, event_rows, first_day, last_day, load_id = one_row(
        con,
        f"""
        select
            (select count(*) from {USERS.name}), count(*), min(event_date), max(event_date),
            (select coalesce(max(load_id), 0) + 1 from {LOADS.name})
        from {EVENTS.name}
        """,
    )
    if touched is None:
        touched = _widest((first_day, last_day), last_load(con))
    row = {
        "load_id": load_id,
        "loaded_at": datetime.now(UTC).replace(tzinfo=None),
        "kind": load.kind,
        "source": load.source,
        "seed": load.seed,
        "settings": json.dumps(load.settings),
        "generator_version": version("elearn-churn-warehouse"),
        "profile": as_json(profile),
        "dataset_version": content_version or dataset_version(con),
        "user_rows": user_rows,
        "event_rows": event_rows,
        "first_day": first_day,
        "last_day": last_day,
        "touched_first_day": touched[0],
        "touched_last_day": touched[1],
    }
    insert_row(con, LOADS, row)
    return int(load_id)


def insert_row(con: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert one row, given by its columns' names."""
    marks = ", ".join("?" * len(row))
    con.execute(f"insert into {table.name} ({', '.join(row)}) values ({marks})", [*row.values()])


def _widest(
    now: tuple[date | None, date | None], before: dict[str, Any] | None
) -> tuple[date | None, date | None]:
    old = (before["first_day"], before["last_day"]) if before else (None, None)
    firsts = [day for day in (now[0], old[0]) if day is not None]
    lasts = [day for day in (now[1], old[1]) if day is not None]
    return min(firsts, default=None), max(lasts, default=None)
