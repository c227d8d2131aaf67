"""Copy one table between attached databases, with its key, constraints, defaults and comments."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from generator.warehouse.file import Connection
from generator.warehouse.sql import name_in, quoted, quoted_list
from generator.warehouse.tables import LOADS


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


def copy_table(con: Connection, source: str, table: str, rows: str | None = None) -> None:
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
    rows
        Query of the rows to copy; None for all.
    """
    schema, _, name = table.partition(".")
    place = _Place(source, schema, name)
    target = f"{name_in(schema)}.{name_in(name)}"
    key = _constraints(con, place, "PRIMARY KEY")
    is_parent = _is_referred_to(con, place)
    lines = _columns(con, place) + _checks(con, place)
    lines += _constraints(con, place, "UNIQUE", "FOREIGN KEY")
    con.execute(f"create table {target} ({', '.join(lines + (key if is_parent else []))})")
    columns = ", ".join(_stored_columns(con, place))
    found = place.relation if rows is None else f"({rows})"
    con.execute(f"insert into {target} ({columns}) select {columns} from {found}")
    if key and not is_parent:
        con.execute(f"alter table {target} add {key[0]}")
    _copy_comments(con, place, target)


def _columns(con: Connection, place: _Place) -> list[str]:
    rows = con.execute(
        f"""
        select column_name, data_type, column_default, is_nullable from duckdb_columns()
        where {place.condition} order by column_index
        """
    ).fetchall()
    stored = _stored_columns(con, place)
    lines = []
    for name, kind, default, is_nullable in rows:
        if name_in(name) not in stored:  # the engine casts it to its type each time it is made
            expression = default.removeprefix("CAST(").removesuffix(f" AS {kind})")
            lines.append(f"{name_in(name)} {kind} generated always as ({expression})")
            continue
        line = f"{name_in(name)} {kind}{'' if is_nullable else ' not null'}"
        lines.append(line if default is None else f"{line} default ({default})")
    return lines


def _stored_columns(con: Connection, place: _Place) -> list[str]:
    """Return the names of the columns that hold values, so without the generated ones.

    No catalog function tells them apart, but nothing can be inserted into a generated one.
    """
    rows = con.execute(
        f"select column_name from duckdb_columns() where {place.condition} order by column_index"
    ).fetchall()
    return [name_in(name) for (name,) in rows if _is_stored(con, place, name_in(name))]


def _is_stored(con: Connection, place: _Place, name: str) -> bool:
    sql = f"explain insert into {place.relation} ({name}) select null where false"
    return works(con, sql)


def _checks(con: Connection, place: _Place) -> list[str]:
    """Return the checks; those of the load history as they are now, with every kind of load."""
    if f"{place.schema}.{place.table}" == LOADS.name:
        return [f"check ({column.check})" for column in LOADS.columns if column.check]
    return _constraints(con, place, "CHECK")


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


def works(con: Connection, sql: str) -> bool:
    """Run a statement, unless it refers to something that is not there; tell whether it ran."""
    try:
        con.execute(sql)
    except (duckdb.BinderException, duckdb.CatalogException):
        return False
    return True
