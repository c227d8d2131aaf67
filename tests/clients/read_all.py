"""Reads what a published file holds with a client in its own environment, as one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

Rows = list[list[Any]]


def with_adbc(path: str) -> Callable[[str], Rows]:
    """DuckDB's driver under the ADBC driver manager, read through Arrow."""
    import adbc_driver_duckdb
    from adbc_driver_manager import dbapi

    con = dbapi.connect(
        driver=adbc_driver_duckdb.driver_path(),
        entrypoint="duckdb_adbc_init",
        db_kwargs={"path": path, "access_mode": "READ_ONLY"},
        autocommit=True,
    )
    cursor = con.cursor()

    def read(sql: str) -> Rows:
        cursor.execute(sql)
        return [list(row.values()) for row in cursor.fetch_arrow_table().to_pylist()]

    return read


def with_ibis(path: str) -> Callable[[str], Rows]:
    """Ibis's own DuckDB backend; tables by its expressions, the rest as SQL."""
    import ibis

    con = ibis.duckdb.connect(path, read_only=True)

    def read(sql: str) -> Rows:
        found = con.sql(sql)
        return [list(row.values()) for row in found.to_pyarrow().to_pylist()]

    return read


def main(client: str, path: str, about: str) -> None:
    read = {"adbc": with_adbc, "ibis": with_ibis}[client](path)
    found: dict[str, Any] = {part: read(sql) for part, sql in json.loads(about).items()}
    found["rows"] = {
        name: read(f"select * from {name} order by all") for name, _ in found["tables"]
    }
    print(json.dumps(found, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
