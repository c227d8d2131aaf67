"""What dbt wrote down about the marts of a warehouse, or of a published copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from generator.errors import ElearnError
from generator.warehouse.file import Connection
from generator.warehouse.tables import BUILD_INFO


def read_vars(con: Connection, warehouse: Path) -> dict[str, Any]:
    """Return every var of dbt that was in force, by name.

    Raises
    ------
    ElearnError
        The marts were built by an earlier version of this package, or not at all.
    """
    try:
        rows = con.execute(f"select vars from {BUILD_INFO.name} where vars is not null").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        rows = []
    if not rows:
        raise ElearnError(
            f"{warehouse}: {BUILD_INFO.name} does not hold the vars of the build; run"
            " `elearn build --no-generate` first"
        )
    found: dict[str, Any] = json.loads(rows[0][0])
    return found
