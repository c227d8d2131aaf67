"""What a warehouse, or a published copy, knows of its last build whose every test passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from generator.errors import ElearnError
from generator.warehouse.file import Connection
from generator.warehouse.sql import has_table, name_in, one_row
from generator.warehouse.tables import BUILD_INFO

GREEN_BUILD = "bookkeeping.green_build"
TESTED = "bookkeeping.tested"
DEFINITIONS = "bookkeeping.definitions"
"""The view by which dbt keeps what a table is, and by which it is looked at again."""


@dataclass(frozen=True)
class Build:
    """A build whose tests all passed."""

    built_at: datetime
    tests_passed: int
    tests_warned: int
    dbt_version: str
    duckdb_version: str


class TestedTable(NamedTuple):
    """A table as the tests saw it."""

    name: str
    definition: str
    fingerprint: str

    @property
    def rows(self) -> int:
        """Number of rows, which the fingerprint begins with."""
        return int(self.fingerprint.partition(":")[0])

    def check_rows(self, con: Connection, warehouse: Path) -> None:
        """Raise when the table of the current database has other rows."""
        relation = ".".join(map(name_in, self.name.split(".", 1)))
        # what the hook at the end of a dbt run keeps of a table that passed its tests
        query = f"select count(*) || ':' || coalesce(sum(hash(t)), 0) from {relation} as t"
        if one_row(con, query) != (self.fingerprint,):
            raise self.changed(warehouse)

    def changed(self, warehouse: Path) -> ElearnError:
        """Return the error for a table that is another one now."""
        return _refusal(
            warehouse, f"{self.name} changed since the last build that passed all tests"
        )


@dataclass(frozen=True)
class GreenBuild:
    """The last build whose every test passed, and the content that it tested."""

    facts: Build
    tables: tuple[TestedTable, ...]
    """The tables of the published file, parents first."""

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(table.rows for table in self.tables)

    def check_definitions(self, con: Connection, warehouse: Path) -> None:
        """Raise when a table of the current database is defined in another way now."""
        query = f"""
            select table_name, definition from {DEFINITIONS}
            where database_name = current_database()
        """
        found = dict(con.execute(query).fetchall())
        for table in self.tables:
            if found.get(table.name) != table.definition:
                raise table.changed(warehouse)


def read_green_build(con: Connection, warehouse: Path) -> GreenBuild:
    """Return the record of the last build that passed all tests.

    Raises
    ------
    ElearnError
        There is none, or another engine or an earlier version of this package made it.
    """
    if not has_table(con, GREEN_BUILD):
        raise _refusal(warehouse, "it has not been built")
    if not _has_definitions(con):
        raise _refusal(warehouse, "an earlier version of this program built it")
    facts = _facts(con, GREEN_BUILD)
    if facts is None:
        raise _refusal(warehouse, "the last build did not pass all tests")
    [engine] = one_row(con, "select version()")
    if facts.duckdb_version != engine:  # fingerprints are an engine's own
        raise _refusal(
            warehouse, f"it was tested by DuckDB {facts.duckdb_version}, this is {engine}"
        )
    tested = con.execute("from bookkeeping.tested_tables order by rowid").fetchall()
    return GreenBuild(facts, tuple(map(TestedTable._make, tested)))


def is_published(con: Connection) -> bool:
    """Tell whether a file is a published one: that of a warehouse names no version of elearn."""
    if not has_table(con, BUILD_INFO.name):
        return False
    query = f"select count(*) from {BUILD_INFO.name} where elearn_version is not null"
    return one_row(con, query) == (1,)


def build_of_content(con: Connection, warehouse: Path) -> Build:
    """Return the green build that tested what stands in a warehouse, or in a published copy, now.

    Raises
    ------
    ElearnError
        There is none, another engine made it, or a table changed since.
    """
    published = _facts(con, BUILD_INFO.name) if is_published(con) else None
    if published is not None:
        return published
    green = read_green_build(con, warehouse)
    green.check_definitions(con, warehouse)
    for table in green.tables:
        table.check_rows(con, warehouse)
    return green.facts


def _has_definitions(con: Connection) -> bool:
    query = """
        select count(*) from duckdb_views()
        where database_name = current_database() and schema_name || '.' || view_name = ?
    """
    return one_row(con, query, [DEFINITIONS]) == (1,)


def _facts(con: Connection, table: str) -> Build | None:
    columns = ", ".join(Build.__annotations__)
    rows = con.execute(f"select {columns} from {table}").fetchall()
    return Build(*rows[0]) if rows else None


def _refusal(warehouse: Path, reason: str) -> ElearnError:
    return ElearnError(f"{warehouse}: {reason}; run `elearn build --no-generate` first")
