"""The marts in memory: dbt compiles the models once, each world then takes milliseconds."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path

import duckdb
import pyarrow as pa

from generator import vocabulary
from generator.warehouse.file import STORAGE
from generator.warehouse.table import Table
from generator.warehouse.tables import EVENTS, LOADS, REJECTED_ROWS, USER_CHANGES, USERS
from tests.conftest import ROOT, WRITING_RESULTS, dbt_writing_to
from tests.dbt.judge import Event, Row, User, UserChange, Vars, World
from tests.preloaded import run_python

MARTS = list(vocabulary.MARTS)
RAW = (USERS, USER_CHANGES, EVENTS)
STAGING = ("stg_users", "stg_user_changes", "stg_events")
MACROS = ("find_outdated_rows", "fingerprints_by_day")
"""What writes down what an incremental build has to redo, and what Spark compares to find it."""

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Model:
    """One compiled model."""

    name: str
    """Schema and name."""
    kind: str
    """What the database makes of it: table or view."""
    sql: str
    parents: frozenset[str]
    """Schemas and names of the models that it reads."""

    def build(self, con: Connection) -> None:
        con.execute(f"create or replace {self.kind} {self.name} as {self.sql}")


@dataclass(frozen=True)
class DataTest:
    """One compiled data test whose failure fails a build; it fails when it finds a row."""

    name: str
    sql: str
    parents: frozenset[str]
    """Schemas and names of the models that it reads."""

    def fails(self, con: Connection) -> bool:
        return bool(con.execute(f"from ({self.sql}) limit 1").fetchall())


NUMBERS = count()


@cache
def engine(threads: int) -> Connection:
    """Return the engine that worlds share, as to start one takes longer than most of them."""
    return duckdb.connect(config={"threads": threads})


@dataclass(frozen=True)
class Marts:
    """The compiled models in dependency order; their SQL names no catalog."""

    models: tuple[Model, ...]
    tests: tuple[DataTest, ...]
    """The data tests that read one of the models, and no mart of the load history."""
    macros: dict[str, str]
    """Compiled SQL of the macros MACROS, for the default vars alone."""

    @contextmanager
    def build(self, world: World, threads: int = 1, *wanted: str) -> Iterator[Connection]:
        """Build the wanted marts of a world in memory, and all that they are made from.

        Without names that is every mart.
        """
        name = f"world{next(NUMBERS)}"
        with engine(threads).cursor() as con:
            con.execute(f"attach ':memory:' as {name}; use {name}")
            create_raw(con, world)
            self.build_models(con, wanted)
            try:
                yield con
            finally:
                con.execute(f"use memory; detach {name}")

    @contextmanager
    def build_like(self, warehouse: Path, threads: int = 2) -> Iterator[Connection]:
        """Build every model in memory from the raw tables of a file, attached as ``stored``."""
        with duckdb.connect(config={"threads": threads}) as con:
            con.execute("attach ':memory:' as compiled; use compiled")
            con.execute(f"attach '{warehouse}' as stored (read_only)")
            con.execute("create schema raw")
            for table in RAW:
                con.execute(f"create table {table.name} as from stored.{table.name}")
            self.build_models(con)
            yield con

    def build_models(self, con: Connection, wanted: Collection[str] = ()) -> None:
        con.execute("create schema if not exists staging")
        needed = self.needed(wanted)
        for model in self.models:
            if model.name in needed:
                model.build(con)

    def needed(self, wanted: Collection[str]) -> set[str]:
        """Return the names of models and of all that they are made from."""
        needed = {f"main.{name}" for name in wanted or MARTS}
        for model in reversed(self.models):
            if model.name in needed:
                needed |= model.parents
        return needed


def compile_marts(folder: Path, sets: dict[str, Vars]) -> None:
    """Let the real dbt compile the models for each set of vars, into a folder each."""
    warehouse = folder / "warehouse.duckdb"
    write_warehouse(warehouse, World((), ()))
    targets = {str(folder / name): json.dumps(changed_vars(sets[name])) for name in sets}
    defaults = str(folder / "defaults")
    places = {"ELEARN_WAREHOUSE": str(warehouse), "DBT_TARGET_PATH": defaults}
    variables = dbt_writing_to(folder) | WRITING_RESULTS | places
    command = ["-m", "tests.dbt.compiling", json.dumps(targets), defaults, *MACROS]
    done = run_python(command, ROOT, os.environ | variables)
    assert done.returncode == 0, done.stdout


def read_marts(folder: Path, sets: Iterable[str]) -> dict[str, Marts]:
    return {name: read_compiled(folder / name / "manifest.json") for name in sets}


def read_compiled(manifest: Path) -> Marts:
    nodes = json.loads(manifest.read_text())["nodes"]
    compiled = {
        node["name"]: Model(full_name(node), kind(node), node["compiled_code"], parents(key, nodes))
        for key, node in nodes.items()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral"
    }
    assert set(compiled) == {*STAGING, *MARTS, *vocabulary.HISTORY_MARTS}
    tests = [
        DataTest(node["name"], node["compiled_code"], parents(key, nodes))
        for key, node in nodes.items()
        if node["resource_type"] == "test" and node["config"]["severity"].lower() == "error"
    ]
    models = tuple(compiled[name] for name in [*STAGING, *MARTS])
    made = {model.name for model in models}
    of_marts = tuple(test for test in tests if test.parents and test.parents <= made)
    files = [manifest.with_name(f"{name}.sql") for name in MACROS]
    macros = {file.stem: file.read_text() for file in files if file.exists()}
    return Marts(models, of_marts, macros)


def full_name(node: dict) -> str:
    return f"{node['schema']}.{node['name']}"


def parents(key: str, nodes: dict[str, dict]) -> frozenset[str]:
    """Return the models that a node reads, by itself or through ephemeral ones."""
    found = set()
    for parent in nodes[key]["depends_on"]["nodes"]:
        if parent in nodes:
            is_ephemeral = nodes[parent]["config"]["materialized"] == "ephemeral"
            found |= parents(parent, nodes) if is_ephemeral else {full_name(nodes[parent])}
    return frozenset(found)


def kind(node: dict) -> str:
    return "view" if node["config"]["materialized"] == "view" else "table"


def changed_vars(given: Vars) -> Row:
    """Return the vars that differ from the defaults, as JSON and YAML know them."""
    changed = {
        name: value for name, value in asdict(given).items() if value != getattr(Vars(), name)
    }
    return {
        name: str(value) if isinstance(value, date) else value for name, value in changed.items()
    }


def vars_arguments(given: Vars) -> list[str]:
    """Return dbt's arguments for a set of vars."""
    return ["--vars", json.dumps(changed_vars(given))]


def write_warehouse(path: Path, world: World) -> None:
    """Write a warehouse file with the world's raw tables."""
    with duckdb.connect(str(path), config=STORAGE) as con:
        create_raw(con, world)
        for table in (LOADS, REJECTED_ROWS):
            con.execute(table.ddl)
        for table in (*RAW, LOADS, REJECTED_ROWS):
            for statement in table.comments_ddl:
                con.execute(statement)


def create_raw(con: Connection, world: World) -> None:
    """Create the raw tables of a world with all their constraints."""
    con.execute("create schema raw")
    for table, rows, fields in (
        (USERS, world.users, User._fields),
        (USER_CHANGES, world.changes, UserChange._fields),
        (EVENTS, world.events, Event._fields),
    ):
        con.execute(table.ddl)
        if table.key_after_rows:
            con.execute(table.key_ddl)
        insert(con, table, [row._asdict() for row in rows], fields)


def insert(con: Connection, table: Table, rows: list[Row], fields: tuple[str, ...]) -> None:
    if rows:
        arrow = pa.table({field: [row[field] for row in rows] for field in fields})
        con.register("incoming", arrow)
        con.execute(f"insert into {table.name} by name from incoming")
        con.unregister("incoming")


def rows_of(con: Connection, mart: str) -> list[Row]:
    """Return the rows of a mart, by name."""
    found = con.execute(f"from {mart} order by all")
    columns = [column[0] for column in found.description]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def check_equal(con: Connection, left: str, right: str, marts: list[str] = MARTS) -> None:
    """Hold two catalogs to the same marts, to the bit and with the same columns."""
    for mart in marts:
        sides = [f"{catalog}.main.{mart}" for catalog in (left, right)]
        described = [
            con.execute(f"select column_name, column_type from (describe {side})").fetchall()
            for side in sides
        ]
        assert described[0] == described[1], mart
        for one, other in (sides, sides[::-1]):
            extra = con.execute(f"from {one} except all from {other} limit 3").fetchall()
            assert not extra, f"{mart}: only in {one}: {extra}"
