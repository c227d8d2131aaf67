"""Days that arrive and are built, killed at random; the end is that of one undisturbed go."""

from __future__ import annotations

import random
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.verify import mart_hashes, verify_warehouse
from tests.robustness.conftest import Tried
from tests.robustness.killing import run, run_until
from tests.robustness.moments import MOMENTS

pytestmark = pytest.mark.slow

FIRST_DAYS = 60
SETTINGS = Settings(n_users=30, churn_base_rate=0.8, paid_ratio=0.5, upgrade_rate=0.9)
SIMULATION = (
    *("generate", "--n-users", 30, "--churn-base-rate", 0.8, "--paid-ratio", 0.5),
    *("--upgrade-rate", 0.9),
)


@pytest.mark.parametrize("rounds", [3, pytest.param(200, marks=pytest.mark.whole)])
def test_killed_days_end_as_one_undisturbed_go(
    rounds: int, tmp_path: Path, dbt_variables: dict[str, str], tried: Tried
) -> None:
    tried(rounds)
    settings = replace(SETTINGS, days=FIRST_DAYS + rounds)
    command = (*SIMULATION, "--days", settings.days, "--through")
    chance, killed = random.Random(rounds), 0
    for number in range(rounds):
        day = settings.start_date + timedelta(days=FIRST_DAYS + number)
        for name, step in (("through", (*command, day)), ("dbt build", ("dbt", "build"))):
            if chance.random() < 0.5:
                moment = chance.choice([*MOMENTS[name].values()])
                done = run_until(moment, step, tmp_path, dbt_variables)
                killed += done.returncode == -signal.SIGKILL
            else:
                # Only in the first round a kill may have left nothing to build.
                run(step, tmp_path, dbt_variables, check=number > 0)
    assert killed >= rounds / 3
    run((*command, settings.last_date), tmp_path, dbt_variables)
    run(("dbt", "build"), tmp_path, dbt_variables)
    at_once = tmp_path / "at_once"
    at_once.mkdir()
    generate_warehouse(at_once / "warehouse.duckdb", settings, workers=1)
    run(("dbt", "build"), at_once, dbt_variables)
    check_alike(tmp_path / "warehouse.duckdb", at_once / "warehouse.duckdb")


def check_alike(warehouse: Path, at_once: Path) -> None:
    assert verify_warehouse(warehouse).found == verify_warehouse(at_once).found
    assert mart_hashes(warehouse) == mart_hashes(at_once)
    assert not warehouse.with_suffix(".duckdb.wal").exists()
    size, fresh = warehouse.stat().st_size, at_once.stat().st_size
    assert size <= 3 * fresh, f"{size:,} bytes after the rounds, {fresh:,} at once"
