"""The dataset version: 16 hex digits that name the content of users, events and user_changes.

Every row has a hash of its values alone, the hashes are added up, and a SHA-256 over counts and
sums gives the version. So the order of rows, the number of workers, the file format and the
engine's version do not matter, and no sort is needed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from generator.warehouse.hashing import row_hashes
from generator.warehouse.sql import has_table
from generator.warehouse.table import Table
from generator.warehouse.tables import USER_CHANGES, VERSIONED_TABLES

Result = TypeVar("Result")

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


def dataset_version(
    con: duckdb.DuckDBPyConnection, known: Mapping[str, ContentSum] = MappingProxyType({})
) -> str:
    """Return the version of what ``raw`` holds; an older warehouse has no table of changes.

    Tables whose content is known, by their names, are not read.
    """
    unknown = [table for table in VERSIONED_TABLES if table.name not in known]
    there = [table for table in unknown if has_table(con, table.name)]
    return version_of({table.name: content_sum(con, table) for table in there} | dict(known))


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
    with _errors_of_the_engine():
        batches = _batches(con, table, relation or table.name)
        return sum(_meanwhile(lambda rows: sum_of(table, [rows]), batches), ContentSum())


def sums_of_days(
    con: duckdb.DuckDBPyConnection, table: Table, column: str, days: Sequence[date]
) -> dict[date, ContentSum]:
    """Return the content sum of each of some days of a table, told by a column that is a day."""
    listed = ", ".join(f"date '{day}'" for day in days)
    found: defaultdict[date, ContentSum] = defaultdict(ContentSum)
    with _errors_of_the_engine():
        batches = _batches(con, table, f"{table.name} where {column} in ({listed})")
        for sums in _meanwhile(partial(_sums_of_days, table, column), batches):
            for day, content in sums.items():
                found[day] += content
    return dict(found)


def _sums_of_days(table: Table, column: str, rows: pa.RecordBatch) -> dict[date, ContentSum]:
    numbers = rows.column(column).cast(pa.int32()).to_numpy()  # of days since 1970
    first = int(numbers.min())
    counts = np.bincount(numbers - first)
    hashes = np.zeros(len(counts), np.uint64)
    np.add.at(hashes, numbers - first, row_hashes(table, rows))
    return {
        date(1970, 1, 1) + timedelta(first + n): ContentSum(int(counts[n]), int(hashes[n]))
        for n in np.flatnonzero(counts).tolist()
    }


def _meanwhile(
    function: Callable[[pa.RecordBatch], Result], batches: Iterable[pa.RecordBatch]
) -> Iterator[Result]:
    """Yield what a function gives for each batch, in a thread while the next one is read."""
    with ThreadPoolExecutor(1) as pool:
        running: deque[Future[Result]] = deque()
        for batch in batches:
            running.append(pool.submit(function, batch))
            if len(running) > 2:  # so that few batches are in memory
                yield running.popleft().result()
        for last in running:
            yield last.result()


def _batches(con: duckdb.DuckDBPyConnection, table: Table, relation: str) -> pa.RecordBatchReader:
    columns = ", ".join(table.column_names)
    rows: pa.RecordBatchReader = con.sql(f"select {columns} from {relation}").to_arrow_reader(
        BATCH_ROWS
    )
    return rows


@contextmanager
def _errors_of_the_engine() -> Iterator[None]:
    """Raise what Arrow hands on as an error of the engine, as which it began."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise duckdb.Error(str(error)) from error


def sum_of(table: Table, batches: Iterable[pa.RecordBatch]) -> ContentSum:
    """Return the content sum of Arrow rows with the columns of a table."""
    sums = (ContentSum(rows.num_rows, int(row_hashes(table, rows).sum())) for rows in batches)
    return sum(sums, ContentSum())
