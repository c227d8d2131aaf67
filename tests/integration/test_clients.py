"""Every client reads the same: each table and row, its keys and its comments."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
import sqlalchemy

from tests.conftest import ROOT, run_elearn
from tests.superset.server import read_bundle

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


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("built")
    run_elearn(folder, dbt_variables, "build", "--n-users", 40, "--days", 75, "--quiet")
    return folder / "published/elearn.duckdb"


@pytest.fixture(scope="module")
def expected(published: Path) -> dict[str, Any]:
    """What the file holds, as the engine that wrote it reads it."""
    with duckdb.connect(str(published), read_only=True) as con:
        found: dict[str, Any] = {
            part: plain(con.execute(sql).fetchall()) for part, sql in ABOUT.items()
        }
        found["rows"] = {
            name: plain(con.execute(ordered(name)).fetchall()) for name, _ in found["tables"]
        }
    assert len(found["tables"]) == 12
    assert ["raw.events", "FOREIGN KEY", "user_id"] in found["keys"]
    assert all(comment for *_, comment in found["tables"] + found["columns"])
    assert len(found["rows"]["main.user_features_daily"]) == 40 * 75
    return found


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


READ_ALL = """
import json, sys
import duckdb
path, about = sys.argv[1], json.loads(sys.argv[2])
con = duckdb.connect(path, read_only=True)
found = {part: con.execute(sql).fetchall() for part, sql in about.items()}
names = [row[0] for row in found["tables"]]
found["rows"] = {
    name: con.execute(f"select * from {name} order by all").fetchall() for name in names
}
print(json.dumps([duckdb.__version__, found], default=lambda value: str(value)))
"""


@pytest.mark.parametrize("engine", ["1.1.3", "1.5.6", "2.0.0"])
def test_python_reads_everything(engine: str, published: Path, expected: dict[str, Any]) -> None:
    folder = ROOT / ".venv" / f"duckdb-{engine}"
    assert folder.is_dir() or engine == duckdb.__version__, "make test installs it there"
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(published), json.dumps(ABOUT)],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    version, found = json.loads(done.stdout)
    assert version == engine
    assert found == expected


def test_the_released_cli_reads_everything(published: Path, expected: dict[str, Any]) -> None:
    for part, sql in ABOUT.items():
        assert run_cli(published, sql) == expected[part]
    for name, rows in expected["rows"].items():
        assert run_cli(published, ordered(name)) == [without_last_zeros(row) for row in rows]


def without_last_zeros(row: list[Any]) -> list[Any]:
    """A row as the CLI writes it: fractions of a second end with their last digit above zero."""
    return [
        re.sub(r"(:\d\d\.\d+?)0+$", r"\1", value) if isinstance(value, str) else value
        for value in row
    ]


def run_cli(published: Path, sql: str) -> list[list[Any]]:
    program = Path(sys.executable).parent / "duckdb"
    done = subprocess.run(
        [program, "-readonly", "-json", published, sql], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [list(row.values()) for row in json.loads(done.stdout or "[]")]


@pytest.fixture
def engine(published: Path) -> sqlalchemy.Engine:
    """What Superset opens; the README gives this connection string."""
    return sqlalchemy.create_engine(
        f"duckdb:///{published}?access_mode=read_only", poolclass=sqlalchemy.NullPool
    )


def test_sqlalchemy_reflects_tables_columns_and_comments(
    engine: sqlalchemy.Engine, expected: dict[str, Any]
) -> None:
    inspector = sqlalchemy.inspect(engine)
    names = [
        f"{schema}.{name}"
        for schema in ("main", "raw")
        for name in inspector.get_table_names(schema=schema)
    ]
    assert sorted(names) == [name for name, _ in expected["tables"]]
    found = [
        [name, column["name"], column["nullable"], column["comment"]]
        for name in names
        for column in inspector.get_columns(*reversed(name.split(".")))
    ]
    assert sorted(found) == sorted(
        [name, column, is_nullable, comment]
        for name, column, _, is_nullable, comment in expected["columns"]
    )


def test_sqlalchemy_reads_keys_and_every_row(
    engine: sqlalchemy.Engine, expected: dict[str, Any]
) -> None:
    with engine.connect() as con:
        keys = con.execute(sqlalchemy.text(KEYS)).fetchall()
        assert plain(keys) == expected["keys"]
        for name, rows in expected["rows"].items():
            assert plain(con.execute(sqlalchemy.text(ordered(name))).fetchall()) == rows


def test_superset_cannot_write(engine: sqlalchemy.Engine) -> None:
    with (
        engine.connect() as con,
        pytest.raises(sqlalchemy.exc.ProgrammingError, match="read-only"),
    ):
        con.execute(sqlalchemy.text("delete from main.build_info"))


SQLALCHEMY_TYPES = {"DOUBLE": "FLOAT", "TIMESTAMP": "TIMESTAMP WITHOUT TIME ZONE"}
"""What Superset's SQLAlchemy calls DuckDB's types."""


def test_superset_describes_columns_as_the_file_does(expected: dict[str, Any]) -> None:
    types = {(table, name): kind for table, name, kind, *_ in expected["columns"]}
    texts = {(table, name): text for table, name, *_, text in expected["columns"]}
    for dataset in read_bundle("datasets"):
        tables = re.findall(r"main\.\w+", dataset["sql"] or f"main.{dataset['table_name']}")
        columns = {each["column_name"]: each for each in dataset["columns"]}
        for name, column in columns.items():
            known = {texts[table, name] for table in tables if (table, name) in texts}
            assert column["description"] in known or (not known and column["description"]), name
        if not dataset["sql"]:
            found = {name: each["type"] for name, each in columns.items() if not each["expression"]}
            assert found == {
                name: SQLALCHEMY_TYPES.get(kind, kind)
                for (table, name), kind in types.items()
                if table in tables
            }


def test_pandas_reads_everything(
    published: Path, engine: sqlalchemy.Engine, expected: dict[str, Any]
) -> None:
    with duckdb.connect(str(published), read_only=True) as con:
        for name, rows in expected["rows"].items():
            assert plain(con.execute(ordered(name)).df().astype(object).values.tolist()) == rows
    for part, sql in ABOUT.items():
        assert plain(pd.read_sql(sql, engine).astype(object).values.tolist()) == expected[part]


def test_polars_reads_everything(published: Path, expected: dict[str, Any]) -> None:
    with duckdb.connect(str(published), read_only=True) as con:
        for name, rows in expected["rows"].items():
            assert plain(con.execute(ordered(name)).pl().rows()) == rows
        for part, sql in ABOUT.items():
            assert plain(pl.read_database(sql, con).rows()) == expected[part]
