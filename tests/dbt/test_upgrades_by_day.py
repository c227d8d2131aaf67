"""A year in which users upgrade, built as it arrives: after each build the bits of one shot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.sinks.daily import generate_through
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.verify import verify_warehouse
from tests.dbt.marts import Marts, check_equal
from tests.dbt.warehouses import Warehouse

pytestmark = pytest.mark.slow

SETTINGS = Settings(n_users=40, days=365, churn_base_rate=0.6, upgrade_rate=0.7)

COUNTED = (
    "count(distinct user_id) from at_once.main.user_daily semi join at_once.raw.user_changes"
    " using (user_id) where is_paid = 1",
    "count(*) from at_once.raw.user_changes",
)
"""Users who change and are paid on a day, and those who change."""


def days_of_upgrades(at_once: Path) -> list[int]:
    """Return the days of the window, counted from 1, on which somebody becomes paid."""
    days = f"select distinct valid_from - date '{SETTINGS.start_date}' + 1 from raw.user_changes"
    with duckdb.connect(str(at_once), read_only=True) as con:
        return [day for (day,) in con.execute(f"{days} order by all").fetchall()]


def some_days(upgrades: list[int]) -> list[int]:
    """Return a day in each quarter, and three days around some upgrades."""
    around = {day + more for day in upgrades[4::9] for more in (-1, 0, 1)}
    return sorted({*range(91, SETTINGS.days, 91), *around, SETTINGS.days})


@pytest.mark.parametrize("every_day", [False, pytest.param(True, marks=pytest.mark.whole)])
def test_a_year_of_upgrades_built_as_it_arrives_equals_one_shot(
    every_day: bool,
    marts: dict[str, Marts],
    tmp_path: Path,
    dbt_variables: dict[str, str],
    record_property: Callable[[str, object], None],
) -> None:
    at_once, arriving = (
        Warehouse(tmp_path / f"{name}.duckdb", dbt_variables, marts)
        for name in ("at_once", "arriving")
    )
    generate_warehouse(at_once.path, SETTINGS, workers=1)
    upgrades = days_of_upgrades(at_once.path)
    assert len(upgrades) > 15
    days = list(range(1, SETTINGS.days + 1)) if every_day else some_days(upgrades)
    record_property("tried", len(days))
    for day in days:
        through = SETTINGS.start_date + timedelta(days=day - 1)
        generate_through(arriving.path, SETTINGS, through, replace=False, workers=1)
        arriving.run()
        with marts["defaults"].build_like(arriving.path, threads=1) as con:
            check_equal(con, "stored", "compiled")
    at_once.run()
    with duckdb.connect() as con:
        for warehouse in (at_once, arriving):
            con.execute(f"attach '{warehouse.path}' (read_only)")
        check_equal(con, "at_once", "arriving")
        upgraded, changes = (con.execute(f"select {counted}").fetchall() for counted in COUNTED)
        assert upgraded == changes
    assert verify_warehouse(arriving.path).found == verify_warehouse(at_once.path).found
