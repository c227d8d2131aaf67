"""The dataset version: 16 hex digits that name the content of users and events.

Every row is written as a text that depends on its values alone, the texts are hashed one by one
and the hashes added up, and a SHA-256 over counts and sums gives the version. So the order of
rows, the number of workers, the file format and the engine's version do not matter, and no sort
is needed.
"""

from __future__ import annotations

import hashlib
import threading
from typing import NamedTuple

import duckdb
import pyarrow as pa

from generator.schema import EVENTS, USERS, Column, Table
from generator.simulation.rows import Rows
from generator.sql import connect_memory, one_row


class ContentSum(NamedTuple):
    """Number of rows and sum of their 64-bit hashes; contents of parts add up to the whole's."""

    rows: int = 0
    hashes: int = 0

    def __add__(self, other: object) -> ContentSum:
        """Return the content sum of both together."""
        assert isinstance(other, ContentSum)
        return ContentSum(self.rows + other.rows, self.hashes + other.hashes)


def dataset_version(con: duckdb.DuckDBPyConnection) -> str:
    """Return the version of what ``raw.users`` and ``raw.events`` hold."""
    return version_of(content_sum(con, USERS), content_sum(con, EVENTS))


def version_of(users: ContentSum, events: ContentSum) -> str:
    """Return the version of the given contents of users and events."""
    text = f"users:{users.rows}:{users.hashes};events:{events.rows}:{events.hashes}"
    return hex_digits(text)


class Tally:
    """The content of users and events that come in parts, added up by several threads at once.

    The engine is one of its own, without threads: each caller computes for itself.
    """

    def __init__(self, memory_limit: str | None = None) -> None:
        self.users = ContentSum()
        self.events = ContentSum()
        self._lock = threading.Lock()
        self._con = connect_memory(memory_limit, threads=1)

    @property
    def version(self) -> str:
        """The version of all that was added."""
        return version_of(self.users, self.events)

    def add(self, rows: Rows) -> Rows:
        """Add the content of some rows, and return them."""
        with self._con.cursor() as con:
            users = arrow_sum(con, USERS, rows.users)
            events = arrow_sum(con, EVENTS, rows.events)
        with self._lock:
            self.users += users
            self.events += events
        return rows


def arrow_sum(con: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> ContentSum:
    """Return the content sum of Arrow rows with the columns of a table."""
    con.register("incoming", rows)
    return content_sum(con, table, "incoming")


def hex_digits(text: str) -> str:
    """Return the first 16 hex digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def content_sum(
    con: duckdb.DuckDBPyConnection, table: Table, relation: str | None = None
) -> ContentSum:
    """Return the content sum of a relation with the columns of a table."""
    query = f"""
        select count(*), coalesce(sum(md5_number_lower({canonical_row(table)})), 0)
        from {relation or table.name}
    """
    rows, hashes = one_row(con, query)
    return ContentSum(int(rows), int(hashes))


def canonical_row(table: Table) -> str:
    """Return the SQL expression that writes one row as a text that no other row has."""
    # concat writes a null as the empty text, and all of the row in one go
    return "concat(" + ", '|', ".join(map(canonical_value, table.columns)) + ")"


def canonical_value(column: Column) -> str:
    """Return the SQL expressions that write one value; a null is the empty text.

    Numbers and times are written as integers (measures have four decimals at the most), because
    the text of a DOUBLE is the engine's choice; texts carry their length, so that no text can
    imitate a neighbour.
    """
    name = column.name
    if column.type == "TIMESTAMP":
        return f"epoch_us({name})"
    if column.type == "DATE":
        return f"{name} - date '1970-01-01'"
    if column.type == "DOUBLE":
        return f"cast(round({name} * 10000) as bigint)"
    if column.type == "VARCHAR":
        return f"length({name}) || ':', {name}"
    return name
