"""Simulation and load, against DuckDB that is given the same rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

from generator import Settings
from generator.loader.load import load_files
from generator.loader.mapping_file import read_mapping
from generator.simulation import simulate_blocks
from generator.simulation.rows import Rows, joined
from generator.sinks.files import Shard, generate_files
from generator.sinks.warehouse import generate_warehouse
from generator.vocabulary import EVENT_TYPES
from generator.warehouse.file import STORAGE
from generator.warehouse.table import Table
from generator.warehouse.tables import EVENTS, USERS
from generator.warehouse.verify import verify_warehouse
from tests.benchmarks.measuring import WORKERS, Clock, Row, best, measured

MAPPING = """
[events]
event_id = "event_id"
user_id = "user_id"
event_time = { from = "event_time", timezone = "UTC" }
event_type.from = "event_type"
event_type.others = "ignore"
course_name = { from = "course_name", default = "none" }
watch_minutes = { from = "watch_minutes", unit = "seconds" }
quiz_score = "quiz_score"
amount = "amount"
[events.event_type.values]
""" + "".join(f'{name} = "{name}"\n' for name in EVENT_TYPES)
"""A mapping of the files that a simulation writes."""
ROUNDS = 2
"""How often the simulation's short rows are measured; the fastest counts."""


def simulate_only(clock: Clock, settings: Settings) -> None:
    with clock.running():
        blocks = list(simulate_blocks(settings, WORKERS))
    assert blocks


def generate(clock: Clock, settings: Settings, path: Path) -> None:
    path.unlink(missing_ok=True)
    with clock.running():
        generate_warehouse(path, settings, workers=WORKERS)


def write_files(clock: Clock, settings: Settings, folder: Path) -> None:
    with clock.running():
        generate_files(
            settings, folder, file_format="parquet", layout="flat", shard=Shard(), workers=WORKERS
        )


def verify(clock: Clock, path: Path) -> None:
    with clock.running():
        assert verify_warehouse(path).matches


def insert_arrays(clock: Clock, settings: Settings, path: Path) -> None:
    """The yardstick: DuckDB inserts arrays that are there, into the same tables of a new file."""
    rows = joined(simulate_blocks(settings, WORKERS))
    insert(clock, path, {USERS: "from users", EVENTS: "from events"}, rows)


def insert_csv(clock: Clock, folder: Path, path: Path) -> None:
    """The yardstick: DuckDB reads the same files with the types given, and no check of its own."""
    relations = {table: f"from {_read_csv(table, folder)}" for table in (USERS, EVENTS)}
    insert(clock, path, relations)


def insert(clock: Clock, path: Path, relations: dict[Table, str], rows: Rows | None = None) -> None:
    """Fill a new file the way that is fastest: the large table's key once its rows are in."""
    path.unlink(missing_ok=True)
    con = duckdb.connect(str(path), config=dict(STORAGE))
    if rows is not None:
        con.register("users", rows[USERS.name])
        con.register("events", rows[EVENTS.name])
    with clock.running():
        con.execute("create schema raw")
        for table, relation in relations.items():
            con.execute(table.ddl)
            con.execute(f"insert into {table.name} {relation}")
        con.execute(EVENTS.key_ddl)
        con.execute("checkpoint")
    con.close()


def _read_csv(table: Table, folder: Path) -> str:
    columns = ", ".join(f"'{column.name}': '{column.type}'" for column in table.columns)
    return f"read_csv('{csv_path(folder, table)}', header = true, columns = {{{columns}}})"


def csv_path(folder: Path, table: Table) -> Path:
    return folder / f"{table.name.split('.')[1]}.csv"


def load_csv(clock: Clock, folder: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    users, events = (str(csv_path(folder, table)) for table in (USERS, EVENTS))
    with clock.running():
        load_files(path, [users], [events])


def simulation_rows(settings: Settings, folder: Path) -> list[Row]:
    simulated, generated, inserted, verified = [], [], [], []
    for _ in range(ROUNDS):
        simulated.append(measured(simulate_only, settings))
        inserted.append(measured(insert_arrays, settings, folder / "inserted.duckdb"))
        generated.append(measured(generate, settings, folder / "warehouse.duckdb"))
        verified.append(measured(verify, folder / "warehouse.duckdb"))
    (folder / "inserted.duckdb").unlink()
    size = f"{settings.n_users:,} users x {settings.days} days"
    return [
        Row(
            f"{what} {size}",
            best(ours).seconds,
            best(inserted).seconds,
            target,
            best(ours).peak_bytes,
        )
        for what, ours, target in (
            ("simulate", simulated, 0.4),
            ("generate", generated, 1.25),
            ("verify", verified, 0.5),
        )
    ]


def load_mapped_csv(clock: Clock, folder: Path, path: Path) -> None:
    """The same files with a mapping that has words, a zone, a default and a unit."""
    path.unlink(missing_ok=True)
    users, events = (str(csv_path(folder, table)) for table in (USERS, EVENTS))
    mapping = folder / "mapping.toml"
    mapping.write_text(MAPPING)
    with clock.running():
        load_files(path, [users], [events], mapping=read_mapping(str(mapping)))


def load_rows(settings: Settings, folder: Path) -> list[Row]:
    options = {"file_format": "csv", "layout": "flat", "shard": Shard(), "workers": WORKERS}
    report = generate_files(settings, folder / "csv", **options)
    ours = measured(load_csv, folder / "csv", folder / "loaded.duckdb")
    yardstick = measured(insert_csv, folder / "csv", folder / "loaded.duckdb")
    mapped = measured(load_mapped_csv, folder / "csv", folder / "loaded.duckdb")
    (folder / "loaded.duckdb").unlink()
    what = f"load {report.manifest['event_rows']:,} events from CSV"
    return [
        Row(what, ours.seconds, yardstick.seconds, 2.0, ours.peak_bytes),
        Row("load them through a mapping", mapped.seconds, ours.seconds, 1.3, mapped.peak_bytes),
    ]
