"""A built warehouse that a test may change, build again and hold to a full refresh."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from generator import Settings
from generator.sinks.daily import generate_through
from tests.conftest import ROOT, run_dbt
from tests.dbt.marts import MARTS, Marts, check_equal, vars_arguments
from tests.dbt.worlds import VARS
from tests.named_moments import Moment, end_at
from tests.robustness.moments import MODEL

# The vars "fixed_ends" name days of this window, 2024-01-10 to 2024-05-08.
SETTINGS = Settings(
    n_users=50,
    days=120,
    start_date=date(2024, 1, 10),
    churn_base_rate=0.8,
    paid_ratio=0.5,
    upgrade_rate=0.4,
)


def arrive(warehouse: Path, days: int) -> None:
    """Load the simulation's events up to a day counted from 1."""
    through = SETTINGS.start_date + timedelta(days=days - 1)
    generate_through(warehouse, SETTINGS, through, replace=False, workers=1)


@dataclass(frozen=True)
class Warehouse:
    """A warehouse file, and the compiled models that say what should be in it."""

    path: Path
    variables: dict[str, str]
    marts: dict[str, Marts]

    def start_from(self, other: Path) -> None:
        """Become a copy."""
        self.path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        shutil.copy(other, self.path)

    def execute(self, *statements: str) -> list[tuple]:
        with duckdb.connect(str(self.path)) as con:
            for statement in statements:
                con.execute(statement)
            return con.fetchall()

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_dbt(self.path, self.variables, *arguments)

    def run(self, *arguments: str, given: str = "defaults") -> None:
        variables = vars_arguments(VARS[given]) if given != "defaults" else []
        done = self.dbt("run", *arguments, *variables)
        assert done.returncode == 0, done.stdout

    def kill_run(self, moment: Moment) -> None:
        """Kill ``dbt run`` at a moment that it must reach."""
        given = os.environ | self.variables | {"ELEARN_WAREHOUSE": str(self.path)}
        done = end_at(moment, ROOT, ("dbt", "--no-use-colors", "run"), given)
        assert done.returncode == -signal.SIGKILL, done.stdout
        assert moment.function != MODEL or moment.about in done.stdout, "killed at another model"

    def check_like_full_refresh(self, given: str = "defaults", rows: bool = True) -> None:
        with self.marts[given].build_like(self.path) as con:
            check_equal(con, "stored", "compiled")
            for mart in MARTS:
                [(found,)] = con.execute(f"select count(*) > 0 from {mart}").fetchall()
                assert found == rows, f"{mart} has rows to compare"
        assert self.execute("from bookkeeping.outdated") == []
