"""Write, audit, publish: the read-only file that readers open, never the one that is built.

A copy is written beside the published file, compared with what the tests saw, and renamed over
the old file. Whoever has the old one open goes on reading it; the next process to open it
sees the new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from generator.copying import copy_table, name_in
from generator.errors import ElearnError, not_allowed
from generator.files import move_file, written_whole
from generator.paths import check_path
from generator.schema import BUILD_INFO
from generator.sql import first_line, one_row, quoted
from generator.versions import dataset_version
from generator.warehouse import (
    STORAGE,
    Connection,
    create_table,
    has_table,
    insert_row,
    read_warehouse,
)

GREEN_BUILD = "bookkeeping.green_build"

DEFAULT_PUBLISHED = Path("published/elearn.duckdb")

Progress = Callable[[float], None]
"""Called with the share of all rows that was copied since the last call."""


@dataclass(frozen=True)
class BuildInfo:
    """What readers may know of the build: the row of ``main.build_info``."""

    dataset_version: str
    built_at: datetime
    tests_passed: int
    tests_warned: int
    dbt_version: str
    duckdb_version: str
    elearn_version: str


class TestedTable(NamedTuple):
    """A table as the tests saw it."""

    name: str
    definition: str
    fingerprint: str

    @property
    def rows(self) -> int:
        """Number of rows, which the fingerprint begins with."""
        return int(self.fingerprint.partition(":")[0])


@dataclass(frozen=True)
class GreenBuild:
    """The last build whose every test passed, and the content that it tested."""

    facts: dict[str, Any]
    """What ``main.build_info`` says of it, by column."""
    tables: tuple[TestedTable, ...]
    """The tables of the published file, parents first."""

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True)
class Published:
    """What a publish wrote."""

    path: str
    rows: int
    build: BuildInfo

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return asdict(self) | {"build": asdict(self.build) | {"built_at": str(self.build.built_at)}}

    @property
    def tests_line(self) -> str:
        """The tests as a line for a terminal."""
        warned = f", {self.build.tests_warned} warned" if self.build.tests_warned else ""
        return f"{'tests':<28}{self.build.tests_passed:>14,} passed{warned}"

    def as_lines(self) -> list[str]:
        """Return it as lines for a terminal."""
        return [
            self.tests_line,
            f"{'rows':<28}{self.rows:>14,}",
            f"{'dataset version':<28}{self.build.dataset_version}",
            f"{'published':<28}{self.path}",
        ]


def check_published(warehouse: Path, published: Path) -> None:
    """Raise UsageError when the published file cannot be at the path."""
    check_path(published, name="published", is_replaced=True)
    if published.absolute() == warehouse.absolute() or (
        published.exists() and warehouse.exists() and published.samefile(warehouse)
    ):
        raise not_allowed("published", published, "another file than the warehouse")
    if published.exists() and published.stat().st_mode & 0o222:  # a published file has no such bit
        raise not_allowed(
            "published", published, "a published file, which is read-only, or a new name"
        )


def publish(
    warehouse: Path,
    published: Path,
    *,
    memory_limit: str | None = None,
    progress: Progress = lambda share: None,
) -> Published:
    """Put a read-only copy of the tested tables in place of the published file.

    Parameters
    ----------
    warehouse
        The file that was built.
    published
        Where readers look; its folder is made when it is not there.
    memory_limit
        Most memory that DuckDB takes, such as "4GB".
    progress
        Called with the share of all rows that was copied since the last call.

    Raises
    ------
    UsageError
        The published file cannot be there.
    ElearnError
        The last build was not green, or a table changed since; the old file stays.
    """
    check_published(warehouse, published)
    with read_warehouse(warehouse, memory_limit) as con:
        green = read_green_build(con, warehouse)
        target = published.resolve()  # a link stays, and what it points to is replaced
        with written_whole(target.parent, field="published") as folder:
            copy = folder / target.name
            try:
                build = _write(con, copy, green, warehouse, progress)
            except duckdb.Error as error:
                raise ElearnError(f"{published}: {first_line(error)}") from error
            copy.chmod(copy.stat().st_mode & ~0o222)
            move_file(copy, target)
    return Published(str(published), green.rows, build)


def read_green_build(con: Connection, warehouse: Path) -> GreenBuild:
    """Return the record of the last green build.

    Raises
    ------
    ElearnError
        There is none, or another engine made it.
    """
    if not has_table(con, GREEN_BUILD):
        raise _refusal(warehouse, "it has not been built")
    found = con.execute(f"from {GREEN_BUILD}")
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    if not rows:
        raise _refusal(warehouse, "the last build was not green")
    facts = dict(zip(names, rows[0], strict=True))
    [engine] = one_row(con, "select version()")
    if facts["duckdb_version"] != engine:  # fingerprints are an engine's own
        raise _refusal(
            warehouse, f"it was tested by DuckDB {facts['duckdb_version']}, this is {engine}"
        )
    tested = con.execute("from bookkeeping.tested_tables").fetchall()
    return GreenBuild(facts, tuple(map(TestedTable._make, tested)))


def _write(
    con: Connection, copy: Path, green: GreenBuild, warehouse: Path, progress: Progress
) -> BuildInfo:
    [source] = one_row(con, "select current_database()")
    storage = quoted(STORAGE["storage_compatibility_version"])
    target = name_in(f"copy of {source}")  # a name that the warehouse's own is not
    con.execute(
        f"attach {quoted(str(copy.absolute()))} as {target} (read_write, storage_version {storage})"
    )
    con.execute(f"use {target}")
    con.execute("create schema raw")
    for table in green.tables:
        if _definition(con, source, table.name) != table.definition:
            raise _changed(warehouse, table)
        copy_table(con, source, table.name)
        if _fingerprint(con, table.name) != table.fingerprint:
            raise _changed(warehouse, table)
        progress(table.rows / max(green.rows, 1))
    build = BuildInfo(
        **green.facts,
        dataset_version=dataset_version(con),
        elearn_version=version("elearn-churn-warehouse"),
    )
    create_table(con, BUILD_INFO)
    insert_row(con, BUILD_INFO, asdict(build))
    con.execute(f"use {name_in(source)}")
    con.execute(f"detach {target}")  # writes all of it into the file
    return build


def _definition(con: Connection, database: str, table: str) -> str | None:
    rows = con.execute(
        """
        select sql from duckdb_tables()
        where database_name = ? and schema_name || '.' || table_name = ?
        """,
        [database, table],
    ).fetchall()
    return rows[0][0] if rows else None


def _fingerprint(con: Connection, table: str) -> str:
    """Return what the hook at the end of a dbt run keeps of a table that passed its tests."""
    query = f"select count(*) || ':' || coalesce(sum(hash(tested)), 0) from {table} as tested"
    return str(one_row(con, query)[0])


def _changed(warehouse: Path, table: TestedTable) -> ElearnError:
    return _refusal(warehouse, f"{table.name} changed since the last green build")


def _refusal(warehouse: Path, reason: str) -> ElearnError:
    return ElearnError(f"{warehouse}: {reason}; run `elearn build --no-generate` first")
