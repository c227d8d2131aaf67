"""What a warehouse, or a published copy, knows of its last build whose every test passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from generator.warehouse import Connection, has_table

BUILDS = ("main.build_info", "bookkeeping.green_build")
"""Where a published copy and a warehouse keep it."""


@dataclass(frozen=True)
class Build:
    """A build whose tests all passed."""

    built_at: datetime
    tests_passed: int
    tests_warned: int
    dbt_version: str
    duckdb_version: str


def read_build(con: Connection) -> Build | None:
    """Return the last green build, None when there is none since the last load."""
    for table in BUILDS:
        if has_table(con, table):
            rows = con.execute(f"""
                select built_at, tests_passed, tests_warned, dbt_version, duckdb_version
                from {table}
                where built_at >= (select max(loaded_at) from raw.loads)
            """).fetchall()
            return Build(*rows[0]) if rows else None
    return None
