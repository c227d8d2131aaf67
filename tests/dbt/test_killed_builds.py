"""A build that is killed at any moment leaves work for the next one, never a gap."""

from __future__ import annotations

import pytest

from tests.dbt.test_incremental import CHANGES
from tests.dbt.warehouses import Warehouse, arrive
from tests.named_moments import Moment
from tests.robustness.moments import MODEL, OF_DBT, STATEMENT

pytestmark = pytest.mark.slow

BOOKKEPT = "into bookkeeping.users"
MOMENTS = {
    "before_the_fingerprints_are_kept": Moment("before", STATEMENT, BOOKKEPT),
    "after_the_fingerprints_are_kept": Moment("before", MODEL),
    "in_user_daily": Moment("after", STATEMENT, "delete from main.user_daily"),
    "after_user_daily": OF_DBT["user_daily_built"],
    "in_features_and_labels": Moment("after", STATEMENT, "user_features_daily__dbt_tmp"),
    "after_features": Moment("after", MODEL, "user_features_daily"),
}


# A run of everything tries all of them, the others one in each half of a build.
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, marks=[pytest.mark.whole] * (number % 3 != 1))
        for number, moment in enumerate(MOMENTS)
    ],
)
def test_the_next_build_ends_what_a_killed_one_began(moment: str, warehouse: Warehouse) -> None:
    arrive(warehouse.path, 115)
    warehouse.execute(*CHANGES["an_event_a_hundred_days_late"])
    warehouse.kill_run(MOMENTS[moment])
    warehouse.run()
    warehouse.check_like_full_refresh()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("after_the_fingerprints_are_kept", marks=pytest.mark.whole),
        "after_user_daily",
        pytest.param("after_features", marks=pytest.mark.whole),
    ],
)
def test_raw_changed_back_after_the_kill_is_seen(moment: str, warehouse: Warehouse) -> None:
    warehouse.execute("create schema backup; create table backup.events as from raw.events")
    warehouse.execute(
        *CHANGES["an_event_ten_days_late"], *CHANGES["measures_and_types_changed_by_hand"]
    )
    warehouse.kill_run(MOMENTS[moment])
    warehouse.execute("delete from raw.events")
    warehouse.execute("insert into raw.events from backup.events")
    warehouse.run()
    warehouse.check_like_full_refresh()
