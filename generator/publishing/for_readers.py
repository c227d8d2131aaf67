"""Make a copy of the warehouse file into what readers get: drop all else from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from generator.warehouse.file import Connection
from generator.warehouse.sql import name_in

SCHEMAS = "('raw', 'main')"

OBJECTS = {
    "drop schema": f"""
        select null as schema_name, schema_name as name from duckdb_schemas()
        where not internal and schema_name not in {SCHEMAS}
    """,
    "drop view": f"""
        select schema_name, view_name as name from duckdb_views()
        where not internal and schema_name in {SCHEMAS}
    """,
    "drop macro": f"""
        select distinct schema_name, function_name as name from duckdb_functions()
        where not internal and schema_name in {SCHEMAS} and function_type = 'macro'
    """,
    "drop macro table": f"""
        select distinct schema_name, function_name as name from duckdb_functions()
        where not internal and schema_name in {SCHEMAS} and function_type = 'table_macro'
    """,
    "drop type": f"""
        select schema_name, type_name as name from duckdb_types()
        where not internal and schema_name in {SCHEMAS}
    """,
}
"""What is dropped with everything in it, and the query that finds it."""


def keep_for_readers(con: Connection, tables: Collection[str]) -> None:
    """Drop everything from the current database but some tables of ``raw`` and ``main``.

    In the transaction of the caller, because each commit writes the catalog anew.
    """
    # DuckDB keeps what it once wrote about an unchanged table. Where everything else of that block
    # is dropped, 1.1 does not find it any more ("Failed to load metadata pointer").
    reuse = "select name from duckdb_settings() where name = 'experimental_metadata_reuse'"
    for (name,) in con.execute(reuse).fetchall():  # not every engine knows it
        con.execute(f"set {name} = false")
    for drop, query in OBJECTS.items():
        where = "database_name = current_database()"
        for schema, name in con.execute(f"{query} and {where}").fetchall():
            cascade = " cascade" if drop == "drop schema" else ""
            con.execute(f"{drop} {_relation(schema, name)}{cascade}")
    for schema, name in _children_first(con, tables):
        con.execute(f"drop table {_relation(schema, name)}")
    unused = """
        select schema_name, sequence_name from duckdb_sequences()
        where database_name = current_database()
            and sequence_oid not in (select objid from duckdb_dependencies())
    """
    for schema, name in con.execute(unused).fetchall():
        con.execute(f"drop sequence {_relation(schema, name)}")


def _children_first(con: Connection, kept: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the tables to drop, each after those that refer to it."""
    found = con.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where database_name = current_database()
        """
    ).fetchall()
    references = con.execute(
        """
        select schema_name, table_name, referenced_table from duckdb_constraints()
        where database_name = current_database() and constraint_type = 'FOREIGN KEY'
            and table_name <> referenced_table
        """
    ).fetchall()
    left = [(schema, name) for schema, name in found if f"{schema}.{name}" not in kept]
    while left:
        parents = {
            (schema, parent) for schema, child, parent in references if (schema, child) in left
        }
        free = [table for table in left if table not in parents]
        yield from free
        left = [table for table in left if table in parents]


def _relation(schema: str | None, name: str) -> str:
    return name_in(name) if schema is None else f"{name_in(schema)}.{name_in(name)}"
