"""Models that somebody added, as far as Spark differs, by the macro alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import dbt_writing_to, run_dbt

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("settings", "is_refused"),
    [
        ("unique_key='user_id'", True),
        ("unique_key=['user_id', 'day'], incremental_strategy='append'", True),
        ("unique_key='user_id', incremental_strategy='merge'", False),
        ("incremental_strategy='append'", False),
    ],
)
def test_a_key_that_spark_would_ignore_is_refused(
    settings: str, is_refused: bool, tmp_path: Path
) -> None:
    inline = f"{{{{ config({settings}) }}}}{{{{ refuse_a_key_that_is_ignored() }}}} select 1"
    warehouse = tmp_path / "none.duckdb"
    done = run_dbt(warehouse, dbt_writing_to(tmp_path), "compile", "--inline", inline)
    assert (done.returncode != 0) == is_refused
    assert ("unique_key: on Spark" in done.stdout) == is_refused
