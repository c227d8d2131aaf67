"""A world in lakes, dbt on Spark over them, and its marts where DuckDB can compare them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from generator import Settings
from generator.atomic_files import read_manifest
from generator.publishing.dbt import DBT
from generator.warehouse.file import STORAGE
from generator.warehouse.tables import LOADS
from tests.conftest import ROOT, dbt_writing_to
from tests.dbt.marts import MARTS, RAW, Connection, Marts, check_equal

# The window holds a leap day; more users than two blocks make three parts.
SETTINGS = Settings(
    n_users=1100,
    days=72,
    start_date=date(2024, 1, 10),
    churn_base_rate=0.8,
    paid_ratio=0.5,
    upgrade_rate=0.4,
)
LATE_DAY = date(2024, 3, 10)


def known_on(last_day: str) -> dict[str, str]:
    """Return what stood in the lake before later days came, and a late day of every tenth user."""
    return {
        "users": "true",
        "user_changes": f"valid_from <= date '{last_day}'",
        "events": f"""
            event_date <= date '{last_day}'
            and not (user_id % 10 = 3 and event_date = date '{LATE_DAY}')
        """,
    }


ERASED_USER = 7
ERASED = dict.fromkeys(("users", "user_changes", "events"), f"user_id <> {ERASED_USER}")


def spark_variables(folder: Path, master: str = "local[2]") -> dict[str, str]:
    """Environment that keeps Spark in a folder, and on the loopback interface."""
    return dbt_writing_to(folder) | {
        "ELEARN_SPARK_WAREHOUSE": str(folder / "warehouse"),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_MASTER": master,
        # Java machines that live for minutes: compiling less pays, with room for what is compiled
        "JAVA_TOOL_OPTIONS": (
            "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
            " -Dderby.system.durability=test"  # no fsync
        ),
    }


def java_logging_to(log: Path) -> dict[str, str]:
    """Environment whose spark-defaults.conf has an option for Java: a log of how it starts."""
    conf = log.with_suffix(".conf")
    conf.mkdir()
    option = f"spark.driver.extraJavaOptions -Xlog:gc+init:file={log}"
    (conf / "spark-defaults.conf").write_text(option)
    return {"SPARK_CONF_DIR": str(conf)}


def run(arguments: list[str], cwd: Path, variables: dict[str, str]) -> str:
    """Run a Python module; return what it printed on stdout."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        check=False,
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def generate_on_spark(lake: Path, parts: int, variables: dict[str, str]) -> dict:
    """Simulate the world on Spark with the real command line; return the manifest."""
    given = SETTINGS.as_dict().items()
    settings = [f"--{name.replace('_', '-')}={value}" for name, value in given]
    options = ["--engine=spark", "--format=parquet", f"--output-dir={lake}", f"--workers={parts}"]
    run(["generator", "generate", *settings, *options], lake.parent, variables)
    return read_manifest(lake)


@dataclass(frozen=True)
class Step:
    """One run of dbt over one lake."""

    name: str
    arguments: tuple[str, ...]
    lake: Path
    target: str = "spark"


def run_dbt_on_spark(folder: Path, variables: dict[str, str], *steps: Step) -> None:
    """Run dbt once for each step; what each wrote is kept under its name."""
    described = [
        {
            "arguments": step.arguments,
            "target": step.target,
            "lake": str(step.lake),
            "kept": str(folder / step.name),
        }
        for step in steps
    ]
    run(["tests.dbt.invoking", json.dumps(described)], ROOT, variables)


def kill_run_on_spark(variables: dict[str, str], lake: Path, is_time: Callable[[], bool]) -> None:
    """Start ``dbt run`` on Spark; kill it and its Java as soon as it is time."""
    with subprocess.Popen(
        [*DBT, "--quiet", "run", "--target", "spark"],
        cwd=ROOT,
        env=os.environ | variables | {"ELEARN_LAKE": str(lake)},
        start_new_session=True,
    ) as process:
        while not is_time():
            assert process.poll() is None, "the build ended before it was killed"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)


def statuses(kept: Path) -> dict[str, str]:
    """Return how every node of a step ended."""
    return json.loads((kept / "statuses.json").read_text())


def write_lake(lake: Path, whole: Path, changes: dict[str, str]) -> None:
    """Write a lake of the rows of another one that fulfil a condition for each table."""
    lake.mkdir()
    for name, condition in changes.items():
        duckdb.execute(
            f"""
            copy (from read_parquet('{whole}/{name}*.parquet') where {condition})
            to '{lake}/{name}.parquet' (format parquet)
            """
        )


def write_broken_lake(broken: Path, lake: Path) -> None:
    """Write what the database of one machine would refuse, or DuckDB's casts and sums."""
    write_lake(broken, lake, {"users": "true", "events": "true"})
    duckdb.execute(
        f"""
        copy (
            from '{lake}/events*.parquet' select * replace (
                case when event_type = 'video_watch' then 'nan'::double end as watch_minutes,
                case when event_type = 'quiz_attempt' then 'inf'::double end as quiz_score,
                case when user_id < 9 then 1 else user_id end as user_id,
                case when user_id < 9 then 1e9 else amount end as amount
            )
        ) to '{broken}/events.parquet' (format parquet)
        """
    )


def load_lake(warehouse: Path, lake: Path) -> None:
    """Fill the raw tables of a warehouse from a lake."""
    with duckdb.connect(str(warehouse), config=STORAGE) as con:
        con.execute("create schema raw")
        con.execute(LOADS.ddl)  # a lake has no load history
        for table in RAW:
            con.execute(table.ddl)
            name = f"{table.name.split('.')[1]}*.parquet"
            if any(lake.glob(name)):  # nobody's attributes may have changed
                found = f"read_parquet('{lake}/{name}')"
                con.execute(f"insert into {table.name} by name from {found}")


def check_like_duckdb(kept: Path, lake: Path, marts: Marts) -> None:
    """Hold the marts that Spark wrote from a lake to those that DuckDB builds from it."""
    warehouse = kept.with_suffix(".duckdb")
    load_lake(warehouse, lake)
    with marts.build_like(warehouse) as con:
        attach_spark(con, kept)
        check_equal(con, "on_spark", "compiled")
        for mart in MARTS:
            [(rows,)] = con.execute(f"select count(*) from {mart}").fetchall()
            assert rows > 0, f"{mart} has rows to compare"


def attach_spark(con: Connection, place: Path) -> None:
    """Show the marts that Spark wrote as readers of its views see them, without the span."""
    con.execute("attach ':memory:' as on_spark; create schema if not exists on_spark.main")
    for mart in MARTS:
        columns = [row[0] for row in con.execute(f"describe {mart}").fetchall()]
        files = [str(path) for path in files_below(place, mart)]
        con.execute(
            f"""
            create view on_spark.main.{mart} as select {", ".join(columns)}
            from read_parquet({files}, hive_partitioning = true)
            """
        )


def files_below(place: Path, mart: str) -> list[Path]:
    """Return a mart's files that Spark reads: a build that was killed leaves hidden ones."""
    found = place.glob(f"**/{mart}/**/*.parquet")
    return [path for path in found if "/." not in str(path.relative_to(place))]


def files_of(kept: Path, mart: str) -> dict[str, float]:
    """Return the files of an incremental mart, by span, with the times they were written."""
    return {
        str(path.relative_to(kept / mart)): path.stat().st_mtime
        for path in (kept / mart).glob("span=*/*.parquet")
    }
