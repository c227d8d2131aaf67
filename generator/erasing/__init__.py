"""Erasure: users or events go from the warehouse and its private file for good.

DuckDB keeps the bytes of deleted rows, so both files are written anew. The commit is the rename of
the new warehouse file: its load history says whether the next private file takes its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator.erasing.found import GONE, Found, find
from generator.erasing.plan import Plan, plan
from generator.erasing.report import ErasureReport
from generator.erasing.wanted import Wanted
from generator.errors import LockedError
from generator.reporter import SILENT, Reporter
from generator.warehouse.anew import write_anew
from generator.warehouse.file import (
    Connection,
    Load,
    check_unlocked,
    last_load,
    read_warehouse,
    record_load,
)
from generator.warehouse.moving_over import open_moved_over
from generator.warehouse.next_private_file import NextPrivateFile
from generator.warehouse.paths import check_path, check_readable, private_path, resolved
from generator.warehouse.private import NAME, PrivateFile, read_private, settle


def erase(
    warehouse: Path,
    wanted: Wanted,
    *,
    dry_run: bool = False,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> ErasureReport:
    """Take users or events out of a warehouse and its private file, or none of them.

    Parameters
    ----------
    warehouse
        The DuckDB file.
    wanted
        Whom or what.
    dry_run
        Whether only to say what would go.
    memory_limit
        Most memory that the engine takes, such as "1GB".
    reporter
        Told the steps.

    Raises
    ------
    UsageError
        None of them is there, the private file cannot be read, or the folder cannot be written.
    ElearnError
        Nothing is loaded, or a table of a person's own refers to what would go. After any error
        both files hold what they held.
    """
    check_readable(private_path(warehouse), NAME)
    if dry_run:
        with (
            read_warehouse(warehouse, memory_limit) as con,
            read_private(con, warehouse, memory_limit) as private,
        ):
            return _report(private, *_planned(con, private, wanted))
    check_unlocked(warehouse)
    check_path(resolved(warehouse), is_replaced=True)
    try:
        with (
            open_moved_over(warehouse, memory_limit, reporter) as con,
            read_private(con, warehouse, memory_limit) as old,
        ):
            found, planned = _planned(con, old, wanted)
            report = _report(old, found, planned)
            private = NextPrivateFile(con, warehouse, old, memory_limit, reporter)
            with reporter.step("erase"):
                return report.after(_write(con, warehouse, private, report, planned.stay))
    finally:
        _finish(warehouse)


def _planned(con: Connection, private: PrivateFile, wanted: Wanted) -> tuple[Found, Plan]:
    return find(con, private, wanted), plan(con, wanted.is_events)


def _report(private: PrivateFile, found: Found, planned: Plan) -> ErasureReport:
    rows = planned.gone | {
        table.name: private.rows(f"select count(*) from {table.name} where {gone}")[0][0]
        for table, gone in GONE.items()
        if private.has(table)
    }
    return ErasureReport(
        users=found.known if not found.events else 0,
        events=len(found.events),
        unknown=found.unknown,
        rows={table: count for table, count in rows.items() if count},
        own_tables=tuple(planned.own_tables),
        touched=planned.touched,
    )


def _write(
    con: Connection,
    warehouse: Path,
    private: NextPrivateFile,
    report: ErasureReport,
    stay: dict[str, str],
) -> dict[str, Any]:
    """Write both files anew, and put that of the warehouse in place; return the load."""
    loads = []

    def finish() -> None:
        record_load(con, Load("erased", "erase", report.counts), report.touched)
        private.copy({table: f"not ({gone})" for table, gone in GONE.items()})
        private.seal()
        loads.append(last_load(con))

    try:
        write_anew(con, warehouse, rows=stay, finish=finish)
    finally:
        private.close()
    [load] = loads
    assert load is not None
    return load


def _finish(warehouse: Path) -> None:
    """Leave one file of each kind, as the load history says, after an error too."""
    try:
        with read_warehouse(warehouse) as con:
            settle(con, warehouse)
    except LockedError:  # who has it open now finishes it
        return
