"""Write a warehouse file anew, so that no byte of what is left out stays in it.

DuckDB keeps the bytes of deleted rows and dropped tables in a file until it needs their place. What
a person made in the file goes along: tables, views, macros, indexes, sequences and types.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import duckdb

from generator.atomic_files import sync
from generator.warehouse.file import STORAGE, Connection, remove_database
from generator.warehouse.paths import resolved
from generator.warehouse.sql import name_in, one_row, quoted, quoted_list


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


def anew_path(path: Path) -> Path:
    """Return where a file is written anew, beside it."""
    file = resolved(path)
    return file.with_name(file.name + ".anew")


def write_anew(con: Connection, path: Path, left_out: Collection[str]) -> None:
    """Put a file with all but some tables in place of a warehouse file that is open for writing.

    Parameters
    ----------
    con
        The only connection to the file; it reads the old content until it is closed.
    path
        The file.
    left_out
        Schemas and names of tables.
    """
    new = anew_path(path)
    remove_database(new)
    [source] = one_row(con, "select current_database()")
    target = name_in(f"{source} anew")  # a name that the warehouse's own is not
    storage = quoted(STORAGE["storage_compatibility_version"])
    # One checkpoint at the end, instead of one a statement.
    con.execute("set wal_autocheckpoint = '1TB'")
    con.execute(f"attach {quoted(str(new))} as {target} (read_write, storage_version {storage})")
    con.execute(f"use {target}")
    _copy_database(con, source, left_out)
    con.execute(f"use {name_in(source)}")
    con.execute(f"detach {target}")  # writes all of it into the file
    con.execute("checkpoint")  # no log may stay beside the new file
    shutil.copymode(resolved(path), new)
    sync(new)
    new.replace(resolved(path))
    sync(resolved(path).parent)


def _copy_database(con: Connection, source: str, left_out: Collection[str]) -> None:
    where = f"database_name = {quoted(source)} and not internal"
    tables = [table for table in _parents_first(con, source) if table not in left_out]
    emptied = {table.partition(".")[0] for table in left_out} - {
        table.partition(".")[0] for table in tables
    }
    schemas = con.execute(f"select schema_name from duckdb_schemas() where {where}").fetchall()
    for (schema,) in schemas:
        if schema not in emptied:
            con.execute(f"create schema if not exists {name_in(schema)}")
    _run_all(con, _types_and_sequences(con, source))
    for table in tables:
        copy_table(con, source, table)
    indexes = con.execute(
        f"""
        select sql from duckdb_indexes() where database_name = {quoted(source)}
            and schema_name || '.' || table_name not in (select unnest($1))
        """,
        [list(left_out)],
    ).fetchall()
    for (sql,) in indexes:
        con.execute(sql)
    views = f"select sql from duckdb_views() where {where}"
    _run_all(con, [*_macros(con, source), *(sql for (sql,) in con.execute(views).fetchall())])


def _run_all(con: Connection, statements: Iterable[str]) -> None:
    """Run statements that may need each other; what refers to nothing that is there stays out."""
    left = list(statements)
    while left:
        failed = [sql for sql in left if not _works(con, sql)]
        if len(failed) == len(left):
            return
        left = failed


def _works(con: Connection, sql: str) -> bool:
    try:
        con.execute(sql)
    except (duckdb.BinderException, duckdb.CatalogException):
        return False
    return True


def _types_and_sequences(con: Connection, source: str) -> list[str]:
    types = con.execute(
        f"""
        select schema_name, type_name, labels from duckdb_types()
        where database_name = {quoted(source)} and not internal and labels is not null
        """
    ).fetchall()
    sequences = con.execute(
        f"""
        select schema_name, sequence_name, increment_by, min_value, max_value, cycle,
            coalesce(last_value + increment_by, start_value)
        from duckdb_sequences() where database_name = {quoted(source)}
        """
    ).fetchall()
    return [
        f"create type {name_in(schema)}.{name_in(name)} as enum ({quoted_list(labels)})"
        for schema, name, labels in types
    ] + [
        f"create sequence {name_in(schema)}.{name_in(name)} increment by {step} minvalue {low}"
        f" maxvalue {high} start {start} {'cycle' if cycle else 'no cycle'}"
        for schema, name, step, low, high, cycle, start in sequences
    ]


def _macros(con: Connection, source: str) -> list[str]:
    """Return what creates the macros, each with all of its overloads."""
    found = con.execute(
        f"""
        select
            schema_name, function_name,
            string_agg(
                '(' || array_to_string(parameters, ', ') || ') as '
                || case when function_type = 'table_macro' then 'table ' else '' end
                || macro_definition,
                ', '
            )
        from duckdb_functions()
        where database_name = {quoted(source)} and not internal
            and function_type in ('macro', 'table_macro')
        group by schema_name, function_name, function_type
        """
    ).fetchall()
    return [
        f"create macro {name_in(schema)}.{name_in(name)}{overloads}"
        for schema, name, overloads in found
    ]


def _parents_first(con: Connection, source: str) -> list[str]:
    """Return all tables, each after those that it refers to; a key never leaves its schema."""
    found = con.execute(
        f"""
        select schema_name || '.' || table_name from duckdb_tables()
        where database_name = {quoted(source)} order by all
        """
    ).fetchall()
    references = con.execute(
        f"""
        select schema_name || '.' || table_name, schema_name || '.' || referenced_table
        from duckdb_constraints()
        where database_name = {quoted(source)} and constraint_type = 'FOREIGN KEY'
            and table_name <> referenced_table
        """
    ).fetchall()
    tables: list[str] = []
    left = [name for (name,) in found]
    while left:
        waiting = {child for child, parent in references if parent in left}
        tables += [table for table in left if table not in waiting]
        left = [table for table in left if table in waiting]
    return tables


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
    columns = ", ".join(_stored_columns(con, place))
    con.execute(f"insert into {target} ({columns}) select {columns} from {place.relation}")
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
    return _works(con, sql)


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
