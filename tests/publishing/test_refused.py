"""What is not green, or changed since, is not published; nor anything over what is not ours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from generator.errors import ElearnError, UsageError
from generator.publishing.publish import publish_warehouse
from tests.conftest import NO_UNIT_TESTS, Elearn, run_dbt, run_elearn
from tests.publishing.folders import change


def test_a_failing_build_leaves_the_old_file_and_nothing_to_publish(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    before = (folder / "published/elearn.duckdb").read_bytes()
    change(  # an event before its user's signup, which a test of dbt looks for
        folder / "warehouse.duckdb",
        "insert into raw.events select -1, user_id, signup_date - 9, 'login', signup_date - 9,"
        " null, null, null, null from raw.users order by signup_date desc limit 1",
    )
    done = run_elearn(folder, dbt_variables, "build", "--no-generate", check=False)
    assert done.returncode == 1
    assert "no_event_is_before_its_users_signup" in done.stderr
    assert (folder / "published/elearn.duckdb").read_bytes() == before
    done = run_elearn(folder, dbt_variables, "publish", check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "Error: warehouse.duckdb: the last build did not pass all tests;"
        " run `elearn build --no-generate` first\n"
    )
    assert (folder / "published/elearn.duckdb").read_bytes() == before


CHANGES = {
    "raw.events": "delete from raw.events where event_id = (select max(event_id) from raw.events)",
    "raw.loads": "update raw.loads set source = 'me'",
    "main.churn_labels": "update churn_labels set churn_label = 1 - churn_label where user_id = 1",
    "main.user_daily": "alter table user_daily rename logins_count to logins",
    "main.training_splits": "drop table training_splits",
    "main.scoring_dataset": "alter table scoring_dataset alter plan drop not null",
}


@pytest.mark.parametrize("table", CHANGES)
def test_what_changed_since_the_green_build_is_not_published(table: str, folder: Path) -> None:
    before = (folder / "published/elearn.duckdb").read_bytes()
    change(folder / "warehouse.duckdb", CHANGES[table])
    with pytest.raises(
        ElearnError, match=f"{table} changed since the last build that passed all tests; run"
    ):
        publish_warehouse(folder / "warehouse.duckdb", folder / "published/elearn.duckdb")
    assert (folder / "published/elearn.duckdb").read_bytes() == before
    assert len(list((folder / "published").iterdir())) == 1


def test_stale_sources_take_no_build_back(folder: Path, dbt_variables: dict[str, str]) -> None:
    warehouse = folder / "warehouse.duckdb"
    change(warehouse, "update raw.loads set loaded_at = loaded_at - interval 9 day")
    assert run_dbt(warehouse, dbt_variables, "source", "freshness").returncode == 1
    with duckdb.connect(str(warehouse), read_only=True) as con:
        assert con.sql("select count(*) from bookkeeping.green_build").fetchall() == [(1,)]
        assert con.sql("select built_at is not null from main.build_info").fetchall() == [(True,)]


def test_a_warehouse_that_was_not_built_is_not_published(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", "--n-users", 5, "--days", 5)
    done = elearn("publish", check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "Error: warehouse.duckdb: it has not been built; run `elearn build --no-generate` first\n"
    )
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize(
    ("runs", "is_green"),
    [
        ([("build", "--select", "user_daily")], False),
        pytest.param([("run",)], False, marks=pytest.mark.slow),
        pytest.param([("build", "--empty", *NO_UNIT_TESTS)], False, marks=pytest.mark.slow),
        ([("run",), ("test", *NO_UNIT_TESTS)], True),
        pytest.param(
            [("build", "--vars", "label_window_days: 7", *NO_UNIT_TESTS)],
            True,
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_only_a_run_of_every_test_makes_new_data_publishable(
    runs: list[tuple[str, ...]], is_green: bool, folder: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse = folder / "warehouse.duckdb"
    late = "insert into raw.events select * replace (-1 as event_id) from raw.events limit 1"
    change(warehouse, late, 'create table raw."my ""own"" notes" as select 1 as note')
    for arguments in runs:
        done = run_dbt(warehouse, dbt_variables, *arguments)
        assert done.returncode == 0, done.stdout
    if is_green:
        assert (
            publish_warehouse(warehouse, folder / "published/elearn.duckdb").build.tests_passed > 70
        )
    else:
        with pytest.raises(ElearnError, match=r"last (green )?build"):
            publish_warehouse(warehouse, folder / "published/elearn.duckdb")


def test_tests_that_pass_on_marts_left_behind_are_not_enough(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse = folder / "warehouse.duckdb"
    change(warehouse, "update raw.events set course_name = 'x' where course_name is not null")
    assert run_dbt(warehouse, dbt_variables, "test", *NO_UNIT_TESTS).returncode == 0
    for command in (("publish",), ("export", "--output-dir", "exported")):
        done = run_elearn(folder, dbt_variables, *command, check=False)
        assert done.returncode == 1
        assert "raw.events changed since the last build that passed all tests" in done.stderr


@pytest.mark.parametrize(
    ("prepare", "path", "allowed"),
    [
        (lambda folder: None, "warehouse.duckdb", "another file than the warehouse"),
        (
            lambda folder: (folder / "link.duckdb").symlink_to(folder / "warehouse.duckdb"),
            "link.duckdb",
            "another file than the warehouse",
        ),
        (
            lambda folder: shutil.copy(folder / "warehouse.duckdb", folder / "a.duckdb").chmod(
                0o444
            ),
            "a.duckdb",
            "a published file or a new name",
        ),
        (
            lambda folder: (folder / "loop.duckdb").symlink_to(folder / "loop.duckdb"),
            "loop.duckdb",
            "a file, not a loop of links",
        ),
        (lambda folder: None, "new/../warehouse.duckdb", "another file than the warehouse"),
        (lambda folder: None, "summary.txt", "a DuckDB file or a new name"),
        (lambda folder: None, "published", "a file, not a folder"),
        (lambda folder: None, "raw.duckdb", "a file name that is not one of its schemas"),
        (
            lambda folder: None,
            "summary.txt/elearn.duckdb",
            "a file in a folder that can be written",
        ),
    ],
)
def test_a_path_that_cannot_be_published_to_is_refused(
    prepare: Callable[[Path], None], path: str, allowed: str, folder: Path
) -> None:
    prepare(folder)
    before = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    with pytest.raises(UsageError, match=f"published: .* is not allowed; give {allowed}"):
        publish_warehouse(folder / "warehouse.duckdb", folder / path)
    assert {file: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before
