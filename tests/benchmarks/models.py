"""The dbt models, against writing what they make once more."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import duckdb

from generator import Settings
from generator.sinks.daily import generate_through
from generator.warehouse.summary import MARTS
from tests.benchmarks.measuring import WORKERS, Clock, Row, measured
from tests.conftest import dbt_writing_to, run_dbt

ONCE_MORE = "once_more"


def run_models(clock: Clock, warehouse: Path, *options: str) -> dict[str, float]:
    """Run every model and return the seconds of each; the clock has their sum."""
    folder = warehouse.parent
    variables = dbt_writing_to(folder)
    # One at a time, like the yardsticks; times of models that share the cores do not add up.
    done = run_dbt(warehouse, variables, "run", "--threads", "1", *options)
    assert done.returncode == 0, done.stdout
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    seconds = {
        result["unique_id"].split(".")[2]: float(result["execution_time"])
        for result in results
        if result["unique_id"].startswith("model.")
    }
    clock.seconds += sum(seconds.values())
    return seconds


def write_once_more(clock: Clock, warehouse: Path, mart: str) -> None:
    """Write a finished mart again, with its columns, checks and key."""
    with duckdb.connect(str(warehouse)) as con:
        con.execute("set wal_autocheckpoint = '1GB'")  # as dbt has it
        with clock.running():
            write(con, mart, f"from {mart}")
        con.execute(f"drop table {ONCE_MORE}")


def write(con: duckdb.DuckDBPyConnection, mart: str, rows: str) -> None:
    """Write rows into a table like a mart; its key comes after them, which is the fast way."""
    name = mart.split(".")[1]
    query = "select sql from duckdb_tables() where schema_name = 'main' and table_name = ?"
    [(ddl,)] = con.execute(query, [name]).fetchall()
    [key] = re.findall(r", (PRIMARY KEY\([^)]*\))", ddl)
    con.execute(ddl.replace(f", {key}", "").replace(name, ONCE_MORE, 1))
    con.execute(f"insert into {ONCE_MORE} by name {rows}")
    con.execute(f"alter table {ONCE_MORE} add {key}")


def count_events_per_day(clock: Clock, warehouse: Path) -> None:
    """The plain query below user_daily, without what it adds."""
    with duckdb.connect(str(warehouse)) as con, clock.running():
        con.execute(
            f"""
            create table {ONCE_MORE} as
            select user_id, event_date, count(*) as total_events,
                sum(watch_minutes) as watch_minutes, avg(quiz_score) as quiz_score,
                sum(amount) as amount
            from raw.events group by user_id, event_date
            """
        )
        con.execute(f"drop table {ONCE_MORE}")


def model_rows(warehouse: Path) -> list[Row]:
    """Return the rows of the full refresh: user_daily, user_features_daily, all models."""
    run = measured(run_models, warehouse, "--full-refresh")
    grouped = measured(count_events_per_day, warehouse)
    marts = {
        mart.split(".")[1]: measured(write_once_more, warehouse, mart).seconds for mart in MARTS
    }
    models, peak = run.result, run.peak_bytes
    daily = grouped.seconds + marts["user_daily"]
    features = models["user_features_daily"]
    return [
        Row("user_daily", models["user_daily"], daily, 1.5, peak),
        Row("user_features_daily", features, marts["user_features_daily"], 2.3, peak),
        Row("all models, full refresh", sum(models.values()), sum(marts.values()), 2.0, peak),
    ]


def new_day_row(n_users: int, days: int, folder: Path) -> Row:
    """Return the row of one new day after many, on a warehouse of its own."""
    settings = Settings(n_users=n_users, days=days + 1)
    warehouse = folder / "days.duckdb"
    measures = []
    for day, options in ((days, ["--full-refresh"]), (days + 1, [])):
        through = settings.start_date + timedelta(days=day - 1)
        generate_through(warehouse, settings, through, replace=False, workers=WORKERS)
        measures.append(measured(run_models, warehouse, *options))
    full, daily = measures
    warehouse.unlink()
    what = f"one new day after {days}, {n_users:,} users"
    return Row(what, daily.seconds, full.seconds, 0.1, daily.peak_bytes)
