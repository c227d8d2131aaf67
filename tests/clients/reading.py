"""What a published file holds, in the form that every client is compared in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

TABLES = """
    select schema_name || '.' || table_name as name, comment
    from duckdb_tables() order by all
"""
COLUMNS = """
    select schema_name || '.' || table_name as name, column_name, data_type, is_nullable, comment
    from duckdb_columns() where not internal order by all
"""
KEYS = """
    select
        schema_name || '.' || table_name as name,
        constraint_type,
        array_to_string(constraint_column_names, ', ') as columns
    from duckdb_constraints() where constraint_type in ('PRIMARY KEY', 'FOREIGN KEY') order by all
"""
ABOUT = {"tables": TABLES, "columns": COLUMNS, "keys": KEYS}


def ordered(name: str) -> str:
    return f"select * from {name} order by all"


def plain(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as JSON holds them, and every client's word for null as None."""
    return [[plain_value(value) for value in row] for row in rows]


def plain_value(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime):
        return str(value.replace(tzinfo=None)).removesuffix(" 00:00:00")
    return str(value) if isinstance(value, date) else value
