"""What a person made on the tables of a load: a foreign key to them, or an index of its own.

Views and macros that read the tables need nothing: they find the new table by its name.
"""

from __future__ import annotations

import duckdb

from generator.errors import ElearnError
from generator.warehouse.tables import CONTENT_TABLES

_KEPT = "temp.main.kept_indexes"
_NAMES = [table.name for table in CONTENT_TABLES]


def check_replaceable(con: duckdb.DuckDBPyConnection) -> None:
    """Raise when a table of a person's own refers to one that a load replaces.

    DuckDB drops no table that another refers to, and the rows to come may lack what it refers to.
    """
    found = con.execute(
        """
        select distinct
            schema_name || '.' || table_name as child,
            schema_name || '.' || referenced_table as parent
        from duckdb_constraints()
        where
            database_name = current_database()
            and constraint_type = 'FOREIGN KEY'
            and parent in (select unnest($1))
            and child not in (select unnest($1))
        order by all
        """,
        [_NAMES],
    ).fetchall()
    if found:
        keys = ", ".join(f"{child} to {parent}" for child, parent in found)
        raise ElearnError(
            f"a foreign key refers to a table that would be replaced ({keys}); drop the table that"
            " has the key, or add to what is loaded with `elearn load --append`; nothing was"
            " changed"
        )


def keep_indexes(con: duckdb.DuckDBPyConnection) -> None:
    """Remember the indexes of a person's own on the tables that are dropped next."""
    con.execute(
        f"""
        create or replace temporary table {_KEPT} as
        select sql, schema_name, table_name from duckdb_indexes()
        where
            database_name = current_database()
            and schema_name || '.' || table_name in (select unnest($1))
        """,
        [_NAMES],
    )


def create_kept_indexes(con: duckdb.DuckDBPyConnection) -> None:
    """Create them on the new tables, whose rows are in; rows that do not fit fail the commit.

    A table of a simulation that is not there any more has taken its indexes with it.
    """
    query = f"""
        select sql from {_KEPT} as kept
        where exists (
            select 1 from duckdb_tables() as tables
            where
                tables.database_name = current_database()
                and tables.schema_name = kept.schema_name
                and tables.table_name = kept.table_name
        )
        order by all
    """
    for (sql,) in con.execute(query).fetchall():
        con.execute(sql)
