"""main.build_info says what the marts are, after every run of dbt."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from generator.errors import ElearnError
from generator.publishing.publish import publish_warehouse
from generator.warehouse.tables import BUILD_INFO
from tests.conftest import run_dbt

DEFAULTS = {
    "eligible_within_days": 30,
    "engagement_event_types": ["login", "course_enroll", "video_watch", "quiz_attempt"],
    "first_day": None,
    "include_inactive_users": False,
    "label_gap_days": 0,
    "label_window_days": 30,
    "last_day": None,
}


def info(warehouse: Path) -> dict:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        [row] = con.execute("from main.build_info").fetchdf().to_dict("records")
        [version] = con.execute("select dataset_version from raw.loads").fetchone()
    assert row["dataset_version"] == version
    assert row["duckdb_version"] == f"v{duckdb.__version__}"
    return row | {"vars": json.loads(row["vars"]), "passed": row["built_at"] == row["built_at"]}


def test_build_info_holds_the_vars_of_the_last_run_and_what_passed(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse, published = folder / "warehouse.duckdb", folder / "published/elearn.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        found = con.execute("describe main.build_info").fetchall()
    described = [(column.name, column.type) for column in BUILD_INFO.columns]
    assert [column[:2] for column in found] == described, "what is published"
    built = info(warehouse)
    assert built["vars"] == info(published)["vars"] == DEFAULTS
    assert built["days_in"] == "UTC"
    assert built["passed"]
    assert built["tests_passed"] > 90

    test = ("test", "--select", "splits_do_not_overlap")
    assert run_dbt(warehouse, dbt_variables, *test).returncode == 0
    assert info(warehouse) == built, "one test takes no build back, and makes none"

    other = ("run", "--select", "+scoring_dataset", "--vars")
    given = "{last_day: 2025-03-05, eligible_within_days: 7}"
    assert run_dbt(warehouse, dbt_variables, *other, given).returncode == 0
    changed = info(warehouse)
    assert changed["vars"] == DEFAULTS | {"last_day": "2025-03-05", "eligible_within_days": 7}
    assert not changed["passed"], "one mart has other vars than those that were tested"
    with pytest.raises(ElearnError, match="the last build did not pass all tests"):
        publish_warehouse(warehouse, published)
