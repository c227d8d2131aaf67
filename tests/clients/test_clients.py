"""Every client reads the same: each table and row, its keys and its comments."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
import sqlalchemy

from tests.clients.reading import ABOUT, KEYS, ordered, plain
from tests.conftest import ROOT
from tests.superset.server import read_bundle

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


PINNED = [
    ("Python", "constraints.txt", "duckdb"),
    ("Python", "constraints.txt", "pandas"),
    ("Python", "constraints.txt", "polars"),
    ("DuckDB CLI", "constraints.txt", "duckdb-cli"),
    ("SQLAlchemy", "constraints.txt", "duckdb-engine"),
    ("SQLAlchemy", "constraints.txt", "sqlalchemy"),
    ("Superset", "examples/superset/requirements.txt", "apache-superset"),
    ("ADBC", "tests/clients/requirements.txt", "adbc-driver-manager"),
    ("Ibis", "tests/clients/requirements.txt", "ibis-framework"),
    ("MetricFlow", "examples/semantic/requirements.txt", "metricflow"),
    ("MetricFlow", "examples/semantic/requirements.txt", "dbt-core"),
    ("Node", "tests/clients/package.json", "@duckdb/node-api"),
]


@pytest.mark.parametrize(("client", "pins", "package"), PINNED)
def test_the_page_names_the_version_that_is_tried(client: str, pins: str, package: str) -> None:
    name = re.escape(package).replace(r"\-", "[-_]")
    pin = rf"^\W*{name}\W+(\d+\.\d+)"
    version = re.findall(pin, (ROOT / pins).read_text(), re.MULTILINE | re.IGNORECASE)
    page = (ROOT / "docs/clients.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    [tried] = [cells[3] for cells in rows if cells[0] == client and len(cells) == 4]
    assert len(version) == 1
    assert version[0] in tried


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


def test_pandas_has_days_as_timestamps_and_sums_as_doubles(published: Path) -> None:
    sql = """
        select min(as_of_date), sum(is_paid), cast(sum(is_paid) as bigint) from user_daily
    """
    with duckdb.connect(str(published), read_only=True) as con:
        assert [str(kind) for kind in con.sql(sql).df().dtypes] == [
            "datetime64[us]",
            "float64",
            "int64",
        ]
        assert con.sql(sql).pl().dtypes[0] == pl.Date


def test_polars_reads_everything(published: Path, expected: dict[str, Any]) -> None:
    with duckdb.connect(str(published), read_only=True) as con:
        for name, rows in expected["rows"].items():
            assert plain(con.execute(ordered(name)).pl().rows()) == rows
        for part, sql in ABOUT.items():
            assert plain(pl.read_database(sql, con).rows()) == expected[part]
