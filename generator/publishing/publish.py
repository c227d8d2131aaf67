"""Write, audit, publish: the read-only file that readers open, never the one that is built.

The warehouse file is compared with what the tests saw and copied. What readers do not get is
dropped from the copy, which is then renamed over the old file. Whoever has the old one open goes on
reading it; the next process to open it sees the new one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from generator.atomic_files import move_file, written_whole
from generator.errors import ElearnError, LockedError, first_line, not_allowed
from generator.publishing.for_readers import keep_for_readers
from generator.publishing.green_build import GreenBuild, is_published, read_green_build
from generator.publishing.tested_version import version_of_tested
from generator.publishing.write_set import EVERYTHING, WriteSet
from generator.reporter import SILENT, Reporter
from generator.warehouse.copy_process import copied_meanwhile
from generator.warehouse.file import (
    Connection,
    connect,
    create_table,
    insert_row,
    read_warehouse,
    wal_of,
)
from generator.warehouse.moving_over import move_over
from generator.warehouse.paths import check_path, resolved
from generator.warehouse.sql import one_row
from generator.warehouse.tables import BUILD_INFO


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
    days_in: str
    vars: str
    """JSON text."""


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
    if resolved(published) == resolved(warehouse) or (
        published.exists() and warehouse.exists() and published.samefile(warehouse)
    ):
        raise not_allowed("published", published, "another file than the warehouse")
    if published.is_symlink() and resolved(published).is_symlink():
        raise not_allowed("published", published, "a file, not a loop of links")
    if published.exists() and not _is_published(published):
        raise not_allowed("published", published, "a published file or a new name")


def _is_published(path: Path) -> bool:
    try:
        with duckdb.connect(str(path.absolute()), read_only=True) as con:
            return is_published(con)
    except duckdb.Error:
        return False


def publish_warehouse(
    warehouse: Path,
    published: Path,
    *,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
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
    reporter
        Told how far it is, in shares of 1.

    Raises
    ------
    UsageError
        The published file cannot be there.
    ElearnError
        The last build did not pass all tests, or a table changed since; the old file stays.
    """
    check_published(warehouse, published)
    move_over(warehouse, memory_limit, reporter)
    with read_warehouse(warehouse, memory_limit) as con:
        return publish_from(con, warehouse, published, reporter)


def publish_from(
    con: Connection,
    warehouse: Path,
    published: Path,
    reporter: Reporter = SILENT,
    written: WriteSet = EVERYTHING,
) -> Published:
    """Publish from a warehouse that is open, to a path that was checked.

    What was written since the tests saw it is compared with what they saw, row by row.
    """
    green = read_green_build(con, warehouse)
    target = resolved(published)  # a link stays, and what it points to is replaced
    with written_whole(target.parent, field="published") as folder:
        copy = folder / "copy of the warehouse.duckdb"
        with copied_meanwhile(resolved(warehouse), copy):
            _check_tested(con, green, warehouse, reporter, written)
            tested = version_of_tested(con)
        days_in, variables = one_row(con, f"select days_in, vars from {BUILD_INFO.name}")
        build = BuildInfo(
            **asdict(green.facts),
            dataset_version=tested.version,
            elearn_version=version("elearn-churn-warehouse"),
            days_in=days_in,
            vars=variables,
        )
        try:
            _keep_for_readers(copy, green, build)
        except duckdb.Error as error:
            raise ElearnError(f"{published}: {first_line(error)}") from error
        copy.chmod(copy.stat().st_mode & ~0o222)
        tested.keep(con)  # before, so that a full disk publishes nothing
        move_file(copy, target)
    return Published(str(published), green.rows, build)


def _check_tested(
    con: Connection, green: GreenBuild, warehouse: Path, reporter: Reporter, written: WriteSet
) -> None:
    """Raise when a table is not the one that the tests saw."""
    if wal_of(warehouse).exists():  # its content is read, but would not be copied
        raise LockedError(f"{warehouse}: another process has just written it; try again")
    green.check_definitions(con, warehouse)
    for table in green.tables:
        if written.may_hold(table.name):
            table.check_rows(con, warehouse)
        reporter.advance(table.rows / max(green.rows, 1))


def _keep_for_readers(copy: Path, green: GreenBuild, build: BuildInfo) -> None:
    """Make a copy of the warehouse file into the published file."""
    with connect(copy, None, name="published") as con:
        con.begin()
        keep_for_readers(con, [table.name for table in green.tables])
        create_table(con, BUILD_INFO)
        insert_row(con, BUILD_INFO, asdict(build))
        con.commit()
