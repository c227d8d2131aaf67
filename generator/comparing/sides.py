"""The two files of a comparison, and what each says about itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from generator.errors import ElearnError, LockedError, UsageError, first_line, not_allowed
from generator.warehouse.file import Connection, connect, remedy
from generator.warehouse.paths import check_path, is_same_file
from generator.warehouse.sql import connect_memory, has_table, quoted
from generator.warehouse.tables import BUILD_INFO, LOADS

SHOWN_OF_LOADS = (
    "load_id",
    "loaded_at",
    "kind",
    "source",
    "generator_version",
    "dataset_version",
    "user_rows",
    "event_rows",
)


@dataclass(frozen=True)
class Side:
    """One of the two files, attached to the connection that compares them."""

    letter: str
    """a or b, as its columns and rows are called."""
    path: Path
    database: str
    """Its name on the connection; that of both if they are one file."""


@dataclass(frozen=True)
class About:
    """What a file says about itself. It is shown and never counts."""

    path: str
    dataset_version: str
    build: dict[str, Any]
    """The row of main.build_info, without vars; empty before a build."""
    variables: dict[str, Any]
    """The vars of dbt that were in force."""
    loads: list[dict[str, Any]]
    """The load history, the oldest first."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return {
            "path": self.path,
            "dataset_version": self.dataset_version,
            **{name: value for name, value in self.build.items() if name != "dataset_version"},
            "vars": self.variables,
            "loads": self.loads,
        }


@contextmanager
def both_open(
    one: Path, other: Path, memory_limit: str | None
) -> Iterator[tuple[Connection, tuple[Side, Side]]]:
    """Yield a connection to both files, read-only, and how they are called on it.

    Raises
    ------
    UsageError
        One of them is no warehouse or cannot be read, or the memory limit is too small. The exit
        code is not that of files that differ.
    LockedError
        Another process writes one of them.
    """
    try:
        for letter, path in (("A", one), ("B", other)):
            _check_warehouse(path, f"file {letter}", memory_limit)
        with connect_memory(memory_limit) as con:
            con.execute(f"attach {quoted(str(one.absolute()))} as a (read_only)")
            if is_same_file(one, other):  # which nobody can attach twice
                yield con, (Side("a", one, "a"), Side("b", other, "a"))
            else:
                con.execute(f"attach {quoted(str(other.absolute()))} as b (read_only)")
                yield con, (Side("a", one, "a"), Side("b", other, "b"))
    except (LockedError, UsageError):
        raise
    except ElearnError as error:
        raise UsageError(str(error)) from error
    except duckdb.Error as error:
        raise UsageError(f"{one}, {other}: {first_line(error)}{remedy(error)}") from error


def _check_warehouse(path: Path, name: str, memory_limit: str | None) -> None:
    allowed = "a warehouse or a published file"
    check_path(path, name=name, writable=False)
    if not path.exists() or not path.stat().st_size:
        raise not_allowed(name, path, f"{allowed} that is there")
    con = connect(path, memory_limit, read_only=True, name=name)
    try:
        if not has_table(con, LOADS.name):
            raise not_allowed(name, path, allowed)
    finally:
        con.close()


def about(con: Connection, side: Side) -> About:
    """Return what a file says about itself; one of an earlier version says less."""
    loads = [
        {name: load[name] for name in SHOWN_OF_LOADS if name in load}
        for load in _rows(con, side, f"from {side.database}.{LOADS.name} order by load_id")
    ]
    there = f"""
        select 1 as there from duckdb_tables()
        where database_name = '{side.database}'
            and schema_name || '.' || table_name = '{BUILD_INFO.name}'
    """
    build: dict[str, Any] = {}
    if _rows(con, side, there):
        [build] = _rows(con, side, f"from {side.database}.{BUILD_INFO.name}") or [{}]
    variables = json.loads(build.pop("vars", None) or "{}")
    version = str(loads[-1]["dataset_version"]) if loads else ""
    return About(str(side.path), version, build, variables, loads)


def _rows(con: Connection, side: Side, query: str) -> list[dict[str, Any]]:
    found = con.execute(query)
    names = [column[0] for column in found.description]
    return [
        {name: _json_ready(value) for name, value in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]


def _json_ready(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)
