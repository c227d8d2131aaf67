"""The dataset version: 16 hex digits that name the content of users and events.

Every row is written as a text that depends on its values alone, the texts are hashed one by one
and the hashes added up, and a SHA-256 over counts and sums gives the version. So the order of
rows, the number of workers, the file format and the engine's version do not matter, and no sort
is needed.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import duckdb

from generator.schema import EVENTS, USERS, Column, Table
from generator.sql import one_row


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
    return "concat_ws('|', " + ", ".join(map(canonical_value, table.columns)) + ")"


def canonical_value(column: Column) -> str:
    """Return the SQL expression that writes one value; a null is the empty text.

    Numbers and times are written as integers (measures have four decimals at the most), because
    the text of a DOUBLE is the engine's choice; texts carry their length, so that no text can
    imitate a neighbour.
    """
    name = column.name
    if column.type == "TIMESTAMP":
        value = f"epoch_us({name})"
    elif column.type == "DATE":
        value = f"{name} - date '1970-01-01'"
    elif column.type == "DOUBLE":
        value = f"cast(round({name} * 10000) as bigint)"
    elif column.type == "VARCHAR":
        value = f"length({name}) || ':' || {name}"
    else:
        value = name
    if column.required:
        return value
    return f"coalesce(cast({value} as varchar), '')"
