"""The dataset version: 16 hex digits that name the content of users, events and user_changes.

Every row has a hash of its values alone, the hashes are added up, and a SHA-256 over counts and
sums gives the version. So the order of rows, the number of workers, the file format and the
engine's version do not matter, and no sort is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import duckdb
import pyarrow as pa

from generator.warehouse.hashing import row_hashes
from generator.warehouse.sql import has_table
from generator.warehouse.table import Table
from generator.warehouse.tables import USER_CHANGES, VERSIONED_TABLES

BATCH_ROWS = 122_880
"""Rows that are hashed at a time: their columns stay in the processor's cache."""


class ContentSum(NamedTuple):
    """Number of rows and sum of their hashes, modulo 2^64; parts add up to the whole."""

    rows: int = 0
    hashes: int = 0

    def __add__(self, other: object) -> ContentSum:
        """Return the content sum of both together."""
        assert isinstance(other, ContentSum)
        return ContentSum(self.rows + other.rows, (self.hashes + other.hashes) % 2**64)


def dataset_version(con: duckdb.DuckDBPyConnection) -> str:
    """Return the version of what ``raw`` holds; an older warehouse has no table of changes."""
    there = [table for table in VERSIONED_TABLES if has_table(con, table.name)]
    return version_of({table.name: content_sum(con, table) for table in there})


def version_of(content: Mapping[str, ContentSum]) -> str:
    """Return the version of the given contents, by the names of the tables.

    Changes count where there are any, so that data without them has one version.
    """
    sums = {table: content.get(table.name, ContentSum()) for table in VERSIONED_TABLES}
    if not sums[USER_CHANGES].rows:
        del sums[USER_CHANGES]
    parts = (
        f"{table.name.removeprefix('raw.')}:{found.rows}:{found.hashes}"
        for table, found in sums.items()
    )
    return hex_digits(";".join(parts))


def added(one: Mapping[str, ContentSum], other: Mapping[str, ContentSum]) -> dict[str, ContentSum]:
    """Return the contents of the same tables together."""
    return {name: one[name] + other[name] for name in one}


def hex_digits(text: str) -> str:
    """Return the first 16 hex digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def content_sum(
    con: duckdb.DuckDBPyConnection, table: Table, relation: str | None = None
) -> ContentSum:
    """Return the content sum of a relation with the columns of a table."""
    columns = ", ".join(table.column_names)
    rows = con.sql(f"select {columns} from {relation or table.name}")
    try:
        return sum_of(table, rows.to_arrow_reader(BATCH_ROWS))
    except (OSError, pa.ArrowException) as error:  # Arrow hands on the engine's errors as these
        raise duckdb.Error(str(error)) from error


def sum_of(table: Table, batches: Iterable[pa.RecordBatch]) -> ContentSum:
    """Return the content sum of Arrow rows with the columns of a table."""
    sums = (ContentSum(rows.num_rows, int(row_hashes(table, rows).sum())) for rows in batches)
    return sum(sums, ContentSum())
