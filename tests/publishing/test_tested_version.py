"""The version of what is published is that of all rows, and few of them are read for it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from generator.publishing.tested_version import version_of_tested
from generator.warehouse.tables import EVENTS
from generator.warehouse.versions import ContentSum, content_sum, dataset_version
from tests.publishing.folders import change, query
from tests.publishing.test_write_set import build

SUMS = "select day, row_count, version_sum from bookkeeping.version_sums"
WRONG = "update bookkeeping.version_sums set version_sum = version_sum // 3"
OLD_DAY = "day = date '2025-02-03'"


def published_version(folder: Path) -> str:
    [(found,)] = query(folder / "published/elearn.duckdb", "select dataset_version from build_info")
    return found


def test_a_build_keeps_the_sum_of_each_day(built: Path) -> None:
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as con:
        days = con.execute(SUMS).fetchall()
        whole = sum((ContentSum(count, found) for _, count, found in days), ContentSum())
        assert len(days) == 70
        assert whole == content_sum(con, EVENTS)
        assert version_of_tested(con).is_kept
        assert version_of_tested(con).version == dataset_version(con) == published_version(built)


def test_only_days_without_a_sum_of_their_content_are_read(folder: Path) -> None:
    warehouse = folder / "warehouse.duckdb"
    change(warehouse, WRONG, f"update bookkeeping.version_sums set hash_sum = 1 where {OLD_DAY}")
    with duckdb.connect(str(warehouse)) as con:
        found = version_of_tested(con)
        assert not found.is_kept
        for day, content in found.days.items():
            right = content_sum(con, EVENTS, f"raw.events where event_date = '{day}'")
            assert (content == right) == (f"day = date '{day}'" == OLD_DAY), day
        found.keep(con)
        kept = {day: ContentSum(count, total) for day, count, total in con.execute(SUMS).fetchall()}
        assert kept == found.days
        assert version_of_tested(con) == found._replace(is_kept=True)


@pytest.mark.parametrize(
    "change_of",
    [
        pytest.param(
            "update raw.events set event_time = event_time + interval '1' second"
            " where event_date = date '2025-02-03' and hour(event_time) < 20",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "delete from raw.events where event_date >= date '2025-02-03'", marks=pytest.mark.slow
        ),
        "drop table bookkeeping.version_sums",
    ],
)
def test_a_build_after_a_change_by_hand_publishes_the_version_of_all_rows(
    change_of: str, folder: Path
) -> None:
    before = published_version(folder)
    change(folder / "warehouse.duckdb", change_of)
    done = build(folder)
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        assert published_version(folder) == dataset_version(con)
        assert version_of_tested(con).is_kept
        assert version_of_tested(con).version == published_version(folder)
    assert (published_version(folder) == before) == change_of.startswith("drop")
