"""Small helpers around queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from generator.errors import not_allowed


def quoted(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted_list(texts: Iterable[str]) -> str:
    """Return texts as SQL literals, between commas."""
    return ", ".join(map(quoted, texts))


def name_in(text: str) -> str:
    """Return a text as a SQL name."""
    return '"' + text.replace('"', '""') + '"'


def connect_memory(memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    """Open an engine without a file, for queries over files."""
    try:
        return duckdb.connect(config={"memory_limit": memory_limit} if memory_limit else {})
    except duckdb.Error as error:
        raise not_allowed("memory_limit", memory_limit, "a size such as 4GB") from error


def one_row(
    con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()
) -> tuple[Any, ...]:
    """Return the only row of a query's result.

    The result is read to its end: DuckDB 2.0 refuses other work on the connection before.
    """
    [row] = con.execute(query, parameters).fetchall()
    return tuple(row)


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Tell whether a table stands in the warehouse."""
    schema, table = name.split(".")
    query = """
        select count(*) from duckdb_tables()
        where database_name = current_database() and schema_name = ? and table_name = ?
    """
    return one_row(con, query, [schema, table]) == (1,)
