"""main.build_info says what the marts are, after every run of dbt."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.errors import ElearnError
from generator.publishing.publish import publish_warehouse
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.tables import BUILD_INFO
from tests.conftest import NO_UNIT_TESTS, run_dbt

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


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("build_info") / "w.duckdb"
    generate_warehouse(path, Settings(n_users=12, days=75), workers=1)
    return path


def dbt(warehouse: Path, *arguments: str) -> int:
    target = {"DBT_TARGET_PATH": str(warehouse.parent / "target")}
    return run_dbt(warehouse, target, *arguments).returncode


def test_build_info_holds_the_vars_of_the_last_run_and_what_passed(warehouse: Path) -> None:
    assert dbt(warehouse, "run", "--vars", "{last_day: 2025-03-10, label_gap_days: 7}") == 0
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.execute("describe main.build_info").fetchall()
    described = [(column.name, column.type) for column in BUILD_INFO.columns]
    assert [column[:2] for column in found] == described, "what is published"
    bare = info(warehouse)
    assert bare["vars"] == DEFAULTS | {"last_day": "2025-03-10", "label_gap_days": 7}
    assert not bare["passed"]
    assert bare["days_in"] == "UTC"

    assert dbt(warehouse, "build", *NO_UNIT_TESTS) == 0
    built = info(warehouse)
    assert built["vars"] == DEFAULTS
    assert built["passed"]
    assert built["tests_passed"] > 90
    published = warehouse.with_name("published.duckdb")
    publish_warehouse(warehouse, published)
    assert info(published)["vars"] == DEFAULTS

    assert dbt(warehouse, "test", "--select", "splits_do_not_overlap") == 0
    assert info(warehouse)["passed"], "what passed all tests still stands"

    other = ("run", "--select", "+scoring_dataset", "--vars", "{eligible_within_days: 7}")
    assert dbt(warehouse, *other) == 0
    assert not info(warehouse)["passed"], "one mart has other vars than those that were tested"
    with pytest.raises(ElearnError, match="the last build did not pass all tests"):
        publish_warehouse(warehouse, published)
