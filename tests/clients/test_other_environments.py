"""Clients with packages of their own read the same, and their traps have a way out."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.reading import ABOUT

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> Path:
    return Path(pytestconfig.getoption("clients")).absolute()


def run(command: list[object], folder: Path, **variables: str) -> Any:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run_node(environment: Path, code: str, *arguments: object, **variables: str) -> Any:
    """Run a module from the environment's folder, where Node looks for packages."""
    command = ["node", "--input-type=module", "--eval", code, "--", *arguments]
    return run(command, environment, **variables)


@pytest.mark.parametrize("client", ["adbc", "ibis"])
def test_python_clients_read_everything(
    client: str, environment: Path, published: Path, expected: dict[str, Any]
) -> None:
    command = [environment / "bin/python", HERE / "read_all.py", client, published]
    assert run([*command, json.dumps(ABOUT)], environment) == expected


def test_node_reads_everything(
    environment: Path, published: Path, expected: dict[str, Any]
) -> None:
    code = (HERE / "read_all.mjs").read_text()
    assert run_node(environment, code, published, json.dumps(ABOUT)) == expected


ASK_NODE = """
import { DuckDBInstance } from "@duckdb/node-api";
const [path, sql] = process.argv.slice(-2);
const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
const [[value]] = (await (await instance.connect()).runAndReadAll(sql)).getRowsJS();
const seen = { kind: typeof value, text: String(value), iso: value.toISOString?.() };
console.log(JSON.stringify(seen));
"""


@pytest.mark.parametrize(
    ("measure", "kind"),
    [
        ("count(*)", "bigint"),
        ("sum(is_paid)", "bigint"),
        ("cast(sum(is_paid) as integer)", "number"),
        ("cast(sum(is_paid) as double)", "number"),
    ],
)
def test_node_gives_whole_numbers_of_64_bits_as_bigint(
    measure: str, kind: str, environment: Path, published: Path
) -> None:
    sql = f"select {measure} from user_daily"
    assert run_node(environment, ASK_NODE, published, sql)["kind"] == kind


def test_node_gives_a_day_as_midnight_utc(environment: Path, published: Path) -> None:
    def ask(sql: str) -> dict[str, str]:
        return run_node(environment, ASK_NODE, published, sql, TZ="America/New_York")

    first_day = ask("select min(as_of_date) from user_daily")
    assert first_day["iso"] == "2025-01-01T00:00:00.000Z"
    assert "Dec 31 2024" in first_day["text"]
    as_text = ask("select cast(min(as_of_date) as varchar) from user_daily")
    assert as_text["text"] == "2025-01-01"


ASK_ADBC = """
import json, sys
from adbc_driver_manager import dbapi
import adbc_driver_duckdb
options = {"path": sys.argv[1], "access_mode": "READ_ONLY"}
driver = adbc_driver_duckdb.driver_path()
with dbapi.connect(driver=driver, entrypoint="duckdb_adbc_init", db_kwargs=options) as con:
    cursor = con.cursor()
    cursor.execute(sys.argv[2])
    print(json.dumps([str(field.type) for field in cursor.fetch_arrow_table().schema]))
"""


def test_arrow_gets_sums_of_integers_as_decimals(environment: Path, published: Path) -> None:
    sql = "select sum(is_paid), cast(sum(is_paid) as bigint) from user_daily"
    command = [environment / "bin/python", "-c", ASK_ADBC, published, sql]
    assert run(command, environment) == ["decimal128(38, 0)", "int64"]
