"""Write a warehouse file anew, so that no byte of what is left out stays in it.

DuckDB keeps the bytes of deleted rows and dropped tables in a file until it needs their place. What
a person made in the file goes along: tables, views, macros, indexes, sequences and types.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from generator.atomic_files import keep_owner, move_file
from generator.errors import ElearnError
from generator.warehouse.file import STORAGE, Connection, remove_database
from generator.warehouse.paths import resolved
from generator.warehouse.sql import name_in, one_row, quoted, quoted_list
from generator.warehouse.table_copy import copy_table, works


def anew_path(path: Path) -> Path:
    """Return where a file is written anew, beside it."""
    file = resolved(path)
    return file.with_name(file.name + ".anew")


def write_anew(
    con: Connection,
    path: Path,
    left_out: Collection[str] = (),
    rows: Mapping[str, str] | None = None,
    finish: Callable[[], object] | None = None,
) -> None:
    """Put a file without some tables or rows in place of a warehouse file that is open for writing.

    Parameters
    ----------
    con
        The only connection to the file; it reads the old content until it is closed.
    path
        The file.
    left_out
        Schemas and names of tables.
    rows
        Query of the rows that stay, for each table that does not keep all of them.
    finish
        Called when the new file holds its rows and is the current database, before it takes the
        old one's place.

    Raises
    ------
    ElearnError
        The new file cannot take the old one's place, which stays.
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
    _copy_database(con, source, left_out, rows or {})
    if finish is not None:
        finish()
    con.execute(f"use {name_in(source)}")
    con.execute(f"checkpoint {target}")  # a detach would not say why the disk does not take it
    con.execute(f"detach {target}")
    con.execute("checkpoint")  # no log may stay beside the new file
    try:
        shutil.copymode(resolved(path), new)
        keep_owner(new, like=resolved(path))
        move_file(new, resolved(path))
    except OSError as error:
        raise ElearnError(f"{path}: cannot be replaced: {error.strerror or error}") from error


def _copy_database(
    con: Connection, source: str, left_out: Collection[str], rows: Mapping[str, str]
) -> None:
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
        copy_table(con, source, table, rows.get(table))
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
        failed = [sql for sql in left if not works(con, sql)]
        if len(failed) == len(left):
            return
        left = failed


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
