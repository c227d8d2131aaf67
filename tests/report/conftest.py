from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from generator.report import churn, write_report
from generator.warehouse.summary import MARTS
from tests.conftest import dbt_writing_to, made_once, run_elearn
from tests.report.chromium import Browser, started


@pytest.fixture(scope="session")
def simulated(shared_folder: Path) -> Path:
    """A built simulation with many churners; not to be changed."""
    return made_once(shared_folder / "simulated", simulate) / "warehouse.duckdb"


def simulate(folder: Path) -> None:
    size = ("--n-users", 160, "--days", 120, "--churn-base-rate", 0.9, "--paid-ratio", 0.5)
    run_elearn(folder, dbt_writing_to(folder), "build", "--quiet", *size)


@pytest.fixture(scope="module")
def con(simulated: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(simulated), read_only=True) as con:
        churn.prepare(con)
        yield con


@pytest.fixture(scope="session")
def real(shared_folder: Path) -> Path:
    """A built export: no engagement scores, no payments, no tickets, nobody on Sundays."""
    return made_once(shared_folder / "real", load_export) / "warehouse.duckdb"


def load_export(folder: Path) -> None:
    variables = dbt_writing_to(folder)
    write_export(folder)
    run_elearn(folder, variables, "load", "--users", "people.csv", "--events", "log.csv")
    run_elearn(folder, variables, "build", "--no-generate", "--quiet")


def write_export(folder: Path) -> None:
    """Write 40 users who come every third day of half a year; every third of them leaves."""
    users = ["user_id,signup_date,plan,country,marketing_source"]
    users += [f"{user},2024-01-0{user % 7 + 1},free,UK,organic" for user in range(1, 41)]
    events = ["event_id,user_id,event_time,event_type"]
    for user in range(1, 41):
        leaves = 30 + 3 * user if user % 3 == 0 else 181
        for number in range(7 + user % 3, leaves, 3):
            day = date(2024, 1, 1) + timedelta(days=number)
            if day.isoweekday() != 7:
                events.append(f"{1000 * user + number},{user},{day} 10:00:00,video_watch")
    (folder / "people.csv").write_text("\n".join(users) + "\n")
    (folder / "log.csv").write_text("\n".join(events) + "\n")


@pytest.fixture(scope="session")
def without_events(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of users who never did anything: its marts are empty."""
    path = tmp_path_factory.mktemp("without_events") / "warehouse.duckdb"
    shutil.copy(simulated, path)
    with duckdb.connect(str(path)) as con:
        for table in ("raw.events", *MARTS, "main.load_profile"):
            con.execute(f"delete from {table}")
    return path


@pytest.fixture
def copied(simulated: Path, tmp_path: Path) -> Path:
    """A copy of the simulation that a test may change."""
    return Path(shutil.copy(simulated, tmp_path / "warehouse.duckdb"))


@pytest.fixture(scope="session")
def pages(
    simulated: Path,
    real: Path,
    without_events: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """The page of each warehouse."""
    folder = tmp_path_factory.mktemp("pages")
    worlds = {"simulated": simulated, "real": real, "without_events": without_events}
    for name, warehouse in worlds.items():
        write_report(warehouse, folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in worlds}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser
