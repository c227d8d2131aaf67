"""A history of users that comes in pieces, in any order, each followed by a build."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from generator.loader.load import load_files
from generator.warehouse.verify import verify_warehouse
from tests.dbt.warehouses import Warehouse
from tests.loader.desk import Row, write_rows

pytestmark = pytest.mark.slow

COUNTRIES, SOURCES = ("IN", "US", "UK", "FR"), ("organic", "ads", "a friend")
NOT_YET = """
    select user_id from raw.users anti join raw.user_changes using (user_id)
    where signup_date < date '2024-01-11' order by user_id
"""


def moves(user_id: int, rng: random.Random) -> list[Row]:
    """Return what becomes of a user from the first weeks of the window until after its end."""
    day, rows = date(2024, 1, 10), []
    plan, country, source = "free", rng.choice(COUNTRIES), rng.choice(SOURCES)
    while day < date(2024, 5, 20):
        day += timedelta(days=rng.randint(1, 45))
        match rng.randrange(3):
            case 0:
                plan = "paid" if plan == "free" else "free"
            case 1:
                country = rng.choice(COUNTRIES)
            case 2:
                source = rng.choice(SOURCES)
        rows.append(
            {
                "user_id": str(user_id),
                "valid_from": str(day),
                "plan": plan,
                "country": country,
                "marketing_source": source,
            }
        )
    return rows


def append(warehouse: Path, rows: Sequence[Row]) -> None:
    file = write_rows(warehouse.with_name("changes.csv"), rows)
    report = load_files(warehouse, [str(file)], [], append=True)
    assert report.users_loaded == len(rows)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_history_in_three_pieces_ends_in_the_marts_of_the_whole(
    order: tuple[int, ...], warehouse: Warehouse, tmp_path: Path
) -> None:
    rng = random.Random(5)
    users = [user for (user,) in warehouse.execute(NOT_YET)]
    rows = [row for user in users for row in moves(user, rng)]
    assert len(rows) > 60
    whole = Path(shutil.copy(warehouse.path, tmp_path / "whole.duckdb"))
    append(whole, rows)
    rng.shuffle(rows)
    for number in order:
        append(warehouse.path, rows[number::3])
        warehouse.run()
        warehouse.check_like_full_refresh()
    assert verify_warehouse(warehouse.path).found == verify_warehouse(whole).found
