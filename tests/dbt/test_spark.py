"""The same project on Apache Spark, through dbt-spark and the real command line.

One world goes through four states: a day comes, then another one with a late day of some users, and
in the end a user is erased. All states are built on both engines and held to each other with
EXCEPT ALL.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from generator.errors import UsageError
from generator.settings import Settings
from generator.sinks.files import Shard, generate_files
from generator.sinks.spark import generate_lake, has_java, users_of_parts
from generator.warehouse.verify import verify_files
from tests.conftest import Elearn, run_elearn
from tests.dbt.clusters import connect_server, standalone_cluster, thrift_server
from tests.dbt.marts import Marts
from tests.dbt.sparks import (
    ERASED,
    ERASED_USER,
    SETTINGS,
    Step,
    check_like_duckdb,
    files_of,
    generate_on_spark,
    java_logging_to,
    kill_run_on_spark,
    known_on,
    run_dbt_on_spark,
    spark_variables,
    statuses,
    write_broken_lake,
    write_lake,
)

pytestmark = pytest.mark.slow

needs_java = pytest.mark.skipif(not has_java(), reason="there is no Java")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def lake(folder: Path) -> Path:
    variables = spark_variables(folder) | java_logging_to(folder / "of_java.log")
    generate_on_spark(folder / "lake", 3, variables)
    return folder / "lake"


@pytest.fixture(scope="module")
def built(folder: Path, lake: Path) -> Path:
    """The folder with the marts of all states, and the outcome of a broken one."""
    write_lake(folder / "earlier_lake", lake, known_on("2024-03-19"))
    write_lake(folder / "next_day_lake", lake, known_on("2024-03-20"))
    write_lake(folder / "erased_lake", lake, ERASED)
    write_broken_lake(folder / "broken_lake", lake)
    # Those that read a mart as well would compare it with other sources than its own.
    tests_of_sources = ("--select", "source:*", "sums_do_not_wrap", "--indirect-selection=cautious")
    run_dbt_on_spark(
        folder,
        spark_variables(folder),
        Step("staging", ("run", "--select", "staging"), folder / "broken_lake"),
        Step("broken", ("test", *tests_of_sources), folder / "broken_lake"),
        Step("earlier", ("build",), folder / "earlier_lake"),
        Step("next_day", ("run",), folder / "next_day_lake"),
        Step("later", ("run",), lake),
        Step("erased", ("run",), folder / "erased_lake"),
    )
    return folder


@needs_java
def test_marts_are_those_of_duckdb_to_the_bit(built: Path, marts: dict[str, Marts]) -> None:
    check_like_duckdb(built / "earlier", built / "earlier_lake", marts["defaults"])


@needs_java
def test_every_data_test_and_unit_test_passes_on_spark(built: Path) -> None:
    ends = statuses(built / "earlier")
    assert set(ends.values()) == {"success", "pass", "no-op"}  # an exposure is a no-op
    assert sum(end == "pass" for end in ends.values()) >= 90


@needs_java
def test_an_incremental_build_with_late_events_is_a_full_refresh(
    built: Path, lake: Path, marts: dict[str, Marts]
) -> None:
    check_like_duckdb(built / "later", lake, marts["defaults"])


@needs_java
def test_a_new_day_is_a_full_refresh(built: Path, marts: dict[str, Marts]) -> None:
    check_like_duckdb(built / "next_day", built / "next_day_lake", marts["defaults"])


@needs_java
@pytest.mark.parametrize(
    ("mart", "new_span"),
    [
        ("user_daily", "2024-03-20"),
        ("user_features_daily", "2024-03-20"),
        ("churn_labels", "2024-02-19"),
        ("training_dataset", "2024-02-19"),
    ],
)
def test_a_new_day_is_written_alone(mart: str, new_span: str, built: Path) -> None:
    earlier, next_day = (files_of(built / name, mart) for name in ("earlier", "next_day"))
    assert earlier
    assert earlier.items() <= next_day.items()
    assert {name.split("/")[0] for name in next_day.keys() - earlier} == {f"span={new_span}"}


@needs_java
@pytest.mark.parametrize(
    ("mart", "first_span"),
    [
        ("user_daily", "2024-03-01"),
        ("user_features_daily", "2024-03-01"),
        ("churn_labels", "2024-02-01"),
        ("training_dataset", "2024-02-01"),
    ],
)
def test_spans_before_the_late_events_are_not_written_again(
    mart: str, first_span: str, built: Path
) -> None:
    earlier, later = (files_of(built / name, mart) for name in ("earlier", "later"))
    kept = earlier.items() & later.items()
    assert {name for name, _ in kept} == {n for n in later if n < f"span={first_span}"} != set()
    assert {name.split("/")[0] for name in later.keys() - earlier} == {f"span={first_span}"}


@needs_java
def test_no_file_of_a_mart_holds_an_erased_user(built: Path, marts: dict[str, Marts]) -> None:
    check_like_duckdb(built / "erased", built / "erased_lake", marts["defaults"])
    found = "select count(*) from read_parquet('{}/**/*.parquet', union_by_name = true)"
    found += f" where user_id = {ERASED_USER}"
    assert duckdb.sql(found.format(built / "later")).fetchone() > (0,)
    assert duckdb.sql(found.format(built / "erased")).fetchone() == (0,)


@needs_java
def test_the_next_build_ends_what_killed_ones_began(
    built: Path, lake: Path, marts: dict[str, Marts]
) -> None:
    changed, spans = built / "changed_lake", built / "warehouse/tables/spans.db"
    without_late_day = known_on("2024-12-31")["events"]
    write_lake(changed, lake, ERASED | {"events": f"{without_late_day} and {ERASED['events']}"})
    outdated = spans / "user_daily/span=2024-03-01"
    half_written = (spans / "user_features_daily").glob
    assert outdated.exists()
    variables = spark_variables(built)
    kill_run_on_spark(variables, changed, lambda: not outdated.exists())
    assert not any(half_written(".*/**/*.parquet"))
    kill_run_on_spark(variables, changed, lambda: any(half_written(".*/**/*.parquet")))
    run_dbt_on_spark(built, variables, Step("after_kills", ("run",), changed))
    check_like_duckdb(built / "after_kills", changed, marts["defaults"])
    assert (spans / "user_daily/span=2024-02-01").stat().st_mtime < outdated.stat().st_mtime


@needs_java
def test_what_other_engines_refuse_or_raise_fails_a_test_on_spark(built: Path) -> None:
    ends = statuses(built / "broken")
    failed = {name for name, status in ends.items() if status == "fail"}
    assert {name.split("__")[0] for name in failed} == {
        "source_accepted_range_raw_events_quiz_score",
        "source_accepted_range_raw_events_watch_minutes",
        "sums_do_not_wrap",
    }


@needs_java
def test_a_cluster_draws_and_builds_the_same(
    folder: Path, lake: Path, marts: dict[str, Marts]
) -> None:
    place = folder / "cluster"
    place.mkdir()
    with standalone_cluster(place) as master:
        variables = spark_variables(place, master)
        generate_on_spark(place / "lake", 2, variables)
        run_dbt_on_spark(place, variables, Step("marts", ("run",), place / "lake"))
    assert verify_files(place / "lake").recorded == verify_files(lake).recorded
    check_like_duckdb(place / "marts", lake, marts["defaults"])


@needs_java
@pytest.mark.whole
def test_a_spark_connect_server_draws_and_builds_the_same(
    built: Path, lake: Path, marts: dict[str, Marts], tmp_path: Path
) -> None:
    with connect_server(tmp_path / "warehouse") as address:
        variables = spark_variables(tmp_path) | address
        generate_on_spark(tmp_path / "lake", 2, variables)
        build_twice(tmp_path, variables, built / "earlier_lake", tmp_path / "lake", "spark")
    assert verify_files(tmp_path / "lake").recorded == verify_files(lake).recorded
    check_like_duckdb(tmp_path / "later", lake, marts["defaults"])


@needs_java
@pytest.mark.whole
def test_a_thrift_server_builds_the_same(
    built: Path, lake: Path, marts: dict[str, Marts], tmp_path: Path
) -> None:
    with thrift_server(tmp_path / "warehouse") as address:
        variables = spark_variables(tmp_path) | address
        build_twice(tmp_path, variables, built / "earlier_lake", lake, "spark_thrift")
    check_like_duckdb(tmp_path / "later", lake, marts["defaults"])


def build_twice(
    folder: Path, variables: dict[str, str], earlier: Path, later: Path, target: str
) -> None:
    """Build everything and test it, then what has come since."""
    run_dbt_on_spark(
        folder,
        variables,
        Step("earlier", ("build",), earlier, target),
        Step("later", ("run",), later, target),
    )
    assert set(statuses(folder / "earlier").values()) == {"success", "pass", "no-op"}


@needs_java
def test_spark_and_one_machine_give_one_version(lake: Path, tmp_path: Path) -> None:
    local = generate_files(
        SETTINGS, tmp_path, file_format="parquet", layout="flat", shard=Shard(), workers=1
    )
    verdict = verify_files(lake)
    assert verdict.matches
    assert verdict.recorded == local.manifest["dataset_version"]
    assert len(list(lake.glob("events-*.parquet"))) == 3


@needs_java
def test_options_of_java_in_spark_defaults_hold_beside_ours(folder: Path, lake: Path) -> None:
    assert "Version" in (folder / "of_java.log").read_text()


@pytest.mark.parametrize("parts", [None, 1, 2, 3, 100])
@pytest.mark.parametrize("n_users", [1, 512, 513, 1100])
def test_parts_are_whole_blocks_and_all_users(n_users: int, parts: int | None) -> None:
    users = users_of_parts(Settings(n_users=n_users, days=5000), parts)
    assert [user for part in users for user in part] == list(range(1, n_users + 1))
    assert all(part.start % 512 == 1 for part in users)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--output-dir", "lake"),
        ("--output-dir", "lake", "--format", "csv"),
        ("--output-dir", "lake", "--format", "parquet", "--shard", "1/2"),
    ],
)
def test_the_engine_spark_writes_parquet_files_only(
    arguments: tuple[str, ...], elearn: Elearn, tmp_path: Path
) -> None:
    done = elearn("generate", "--engine", "spark", *arguments, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: --engine: spark needs --output-dir and --format parquet")
    assert not list(tmp_path.iterdir())


def test_a_missing_java_is_said_in_a_sentence(tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path), "JAVA_HOME": ""}
    options = ("--engine", "spark", "--output-dir", "lake", "--format", "parquet")
    done = run_elearn(tmp_path, nowhere, "generate", *options, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: --engine: spark needs Java 17")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@needs_java
def test_a_missing_pyspark_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(UsageError, match=r"needs pyspark; run `pip install '.*' 'pyspark\[.*'`"):
        generate_lake(Settings(n_users=1), tmp_path)
