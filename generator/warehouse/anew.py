"""Copy a table between attached databases: columns, constraints, rows, key and comments."""

from __future__ import annotations

from typing import NamedTuple

from generator.warehouse.file import Connection
from generator.warehouse.sql import name_in, quoted, quoted_list


class _Place(NamedTuple):
    database: str
    schema: str
    table: str

    @property
    def relation(self) -> str:
        return ".".join(map(name_in, self))

    @property
    def condition(self) -> str:
        """The rows of this table in one of DuckDB's catalog functions."""
        return (
            f"database_name = {quoted(self.database)} and schema_name = {quoted(self.schema)}"
            f" and table_name = {quoted(self.table)}"
        )


def copy_table(con: Connection, source: str, table: str) -> None:
    """Copy a table of an attached database into the current one, where its schema is.

    The primary key is added after the rows, which is faster, unless another table refers to it.

    Parameters
    ----------
    con
        A connection to both.
    source
        Name of the attached database.
    table
        Schema and name. Tables that it refers to must have been copied.
    """
    schema, _, name = table.partition(".")
    place = _Place(source, schema, name)
    target = f"{name_in(schema)}.{name_in(name)}"
    key = _constraints(con, place, "PRIMARY KEY")
    is_parent = _is_referred_to(con, place)
    lines = _columns(con, place) + _constraints(con, place, "CHECK", "UNIQUE", "FOREIGN KEY")
    con.execute(f"create table {target} ({', '.join(lines + (key if is_parent else []))})")
    con.execute(f"insert into {target} select * from {place.relation}")
    if key and not is_parent:
        con.execute(f"alter table {target} add {key[0]}")
    _copy_comments(con, place, target)


def _columns(con: Connection, place: _Place) -> list[str]:
    rows = con.execute(
        f"""
        select column_name, data_type, is_nullable from duckdb_columns()
        where {place.condition} order by column_index
        """
    ).fetchall()
    return [
        f"{name_in(name)} {kind}{'' if is_nullable else ' not null'}"
        for name, kind, is_nullable in rows
    ]


def _constraints(con: Connection, place: _Place, *kinds: str) -> list[str]:
    """Return what DuckDB would write for the constraints of some kinds, in their order.

    Of foreign keys, DuckDB 1.5 would leave odd names of tables bare.
    """
    rows = con.execute(
        f"""
        select
            constraint_text, constraint_column_names, referenced_table, referenced_column_names
        from duckdb_constraints()
        where {place.condition} and constraint_type in ({quoted_list(kinds)})
        order by constraint_index
        """
    ).fetchall()
    return [
        f"foreign key ({', '.join(map(name_in, columns))})"
        f" references {name_in(place.schema)}.{name_in(parent)}"
        f" ({', '.join(map(name_in, parent_columns))})"
        if parent
        else text
        for text, columns, parent, parent_columns in rows
    ]


def _is_referred_to(con: Connection, place: _Place) -> bool:
    found = con.execute(
        f"""
        select 1 from duckdb_constraints()
        where database_name = {quoted(place.database)} and constraint_type = 'FOREIGN KEY'
            and schema_name = {quoted(place.schema)} and referenced_table = {quoted(place.table)}
        """
    ).fetchall()
    return bool(found)


def _copy_comments(con: Connection, place: _Place, target: str) -> None:
    [(comment,)] = con.execute(
        f"select comment from duckdb_tables() where {place.condition}"
    ).fetchall()
    if comment is not None:
        con.execute(f"comment on table {target} is {quoted(comment)}")
    columns = con.execute(
        f"""
        select column_name, comment from duckdb_columns()
        where {place.condition} and comment is not null
        """
    ).fetchall()
    for name, text in columns:
        con.execute(f"comment on column {target}.{name_in(name)} is {quoted(text)}")
