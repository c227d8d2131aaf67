"""What readers open: whole, tested, and never what is being built."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest

from generator.errors import ElearnError, UsageError
from generator.publishing.publish import publish_from, publish_warehouse
from generator.warehouse.file import read_warehouse
from generator.warehouse.summary import MARTS
from tests.conftest import Elearn, run_dbt, run_elearn

RAW = [
    "raw.users",
    "raw.events",
    "raw.user_changes",
    "raw.experiment_assignments",
    "raw.loads",
]
BUILD = ("build", "--n-users", 60, "--days", 70, "--treatment-ratio", 0.5, "--upgrade-rate", 0.9)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    """A folder after `elearn build`; tests copy it."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "summary.json").write_text(
        run_elearn(folder, dbt_variables, *BUILD, "--json", "--quiet").stdout
    )
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    return copy


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as con:
        for statement in statements:
            con.execute(statement)


def test_readers_get_raw_the_marts_and_the_build_and_nothing_else(built: Path) -> None:
    found = query(
        built / "published/elearn.duckdb",
        """
        select schema_name || '.' || table_name from duckdb_tables()
        union all select schema_name || '.' || view_name from duckdb_views() where not internal
        order by all
        """,
    )
    assert [name for (name,) in found] == sorted([*RAW, *MARTS, "main.build_info"])


OWN = (
    "create schema own",
    "create table own.parents (id integer primary key)",
    "create table own.children (id integer references own.parents (id))",
    "create view own.view_of_children as from own.children",
    "create table main.notes (id integer primary key)",
    "create table main.more_notes (id integer references notes (id))",
    "create table raw.visits (visitor integer references raw.users (user_id))",
    "create view main.view_of_users as from raw.users",
    "create macro one_more(number) as number + 1",
    "create macro numbers() as table select 1 as number",
    "create type mood as enum ('good', 'bad')",
    "create sequence counter",
)


def test_what_a_person_made_beside_the_models_is_not_published(folder: Path) -> None:
    change(folder / "warehouse.duckdb", *OWN)
    names = """
        select schema_name, table_name as name from duckdb_tables()
        union all select schema_name, view_name from duckdb_views() where not internal
        union all select schema_name, function_name from duckdb_functions() where not internal
        union all select schema_name, type_name from duckdb_types() where not internal
        union all select schema_name, sequence_name from duckdb_sequences()
        union all select schema_name, null from duckdb_schemas() where not internal
        order by all
    """
    before = query(folder / "published/elearn.duckdb", names)
    publish_warehouse(folder / "warehouse.duckdb", folder / "published/elearn.duckdb")
    assert query(folder / "published/elearn.duckdb", names) == before


WRITE = "import duckdb; duckdb.connect('warehouse.duckdb').execute('create table late (n int)')"


def test_the_warehouse_is_locked_until_it_is_published(folder: Path) -> None:
    def write() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WRITE], cwd=folder, capture_output=True, text=True, check=False
        )

    warehouse, published = folder / "warehouse.duckdb", folder / "published/elearn.duckdb"
    with read_warehouse(warehouse) as con:
        publish_from(con, warehouse, published)
        assert "Could not set lock" in write().stderr
    assert write().returncode == 0


def test_the_published_rows_keys_checks_and_comments_are_the_warehouses(built: Path) -> None:
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as con:
        con.execute(f"attach '{built}/published/elearn.duckdb' as readers (read_only)")
        for table in [*RAW, *MARTS]:
            for one, other in [("warehouse", "readers"), ("readers", "warehouse")]:
                sql = f"select count(*) from (from {one}.{table} except all from {other}.{table})"
                assert con.execute(sql).fetchone() == (0,), table
        about = {
            "duckdb_tables": "table_name, sql, comment",
            "duckdb_columns": "table_name, column_name, data_type, is_nullable, comment",
            "duckdb_constraints": "table_name, constraint_type, constraint_text",
        }
        for function, columns in about.items():
            in_warehouse, in_readers = (
                con.execute(
                    f"select schema_name, {columns} from {function}() where database_name = ?"
                    " and schema_name in ('raw', 'main') and table_name <> 'build_info'"
                    " order by all",
                    [database],
                ).fetchall()
                for database in ("warehouse", "readers")
            )
            assert in_readers == in_warehouse
            assert in_readers


def test_the_foreign_key_of_the_published_file_is_enforced(folder: Path) -> None:
    path = folder / "published/elearn.duckdb"
    path.chmod(0o644)
    orphan = "insert into raw.events select * replace (-1 as event_id, -1 as user_id) from"
    with pytest.raises(duckdb.ConstraintException, match="foreign key"):
        change(path, f"{orphan} raw.events limit 1")


def test_build_info_says_what_was_tested_when_and_by_what(built: Path) -> None:
    summary = json.loads((built / "summary.json").read_text())
    with duckdb.connect(str(built / "published/elearn.duckdb"), read_only=True) as con:
        [row] = con.execute("from build_info").fetchdf().to_dict("records")
    assert row["dataset_version"] == summary["dataset_version"]
    assert row["tests_passed"] == summary["tests_passed"] > 90
    assert row["tests_warned"] == summary["tests_warned"]
    assert row["duckdb_version"] == f"v{duckdb.__version__}"
    assert row["dbt_version"] == version("dbt-core")
    assert row["elearn_version"] == version("elearn-churn-warehouse")
    assert query(
        built / "published/elearn.duckdb",
        "select built_at between loaded_at and loaded_at + interval 1 hour"
        " from build_info cross join raw.loads",
    ) == [(True,)]


def test_every_column_has_a_comment_and_a_type_that_bi_tools_take(built: Path) -> None:
    assert (
        query(
            built / "published/elearn.duckdb",
            "select table_name, column_name from duckdb_columns() where comment is null"
            " and not internal",
        )
        == []
    )
    types = query(
        built / "published/elearn.duckdb",
        "select distinct data_type from information_schema.columns"
        " where table_schema in ('raw', 'main')",
    )
    readable = {"INTEGER", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR"}
    assert {name for (name,) in types} <= readable


def test_the_file_is_read_only_and_alone(built: Path) -> None:
    path = built / "published/elearn.duckdb"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask() & ~0o222
    assert list(path.parent.iterdir()) == [path]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


HOLDER = """
import duckdb, sys, time
from pathlib import Path
path, stop = sys.argv[1:]
con = duckdb.connect(path, read_only=True)
count = "select count(*), max(user_id) from user_features_daily"
first = con.execute(count).fetchall()
print("open", flush=True)
while not Path(stop).exists():
    assert con.execute(count).fetchall() == first, "the old file changed"
    time.sleep(0.1)
print(con.execute("select dataset_version from build_info").fetchall()[0][0])
"""
"""Holds the published file open until a file appears, then prints the version it still reads."""

OPENER = """
import duckdb, sys, time
from pathlib import Path
path, stop = sys.argv[1:]
seen = []
stopped = False
while not stopped:
    stopped = Path(stop).exists()  # and once more after that
    with duckdb.connect(path, read_only=True) as con:
        [(version,)] = con.execute("select dataset_version from build_info").fetchall()
        assert con.execute("select count(*) from user_daily").fetchall() == con.execute(
            "select count(*) from user_features_daily").fetchall()
    if version not in seen:
        seen.append(version)
        print(version, flush=True)
    time.sleep(0.1)
"""
"""Opens the published file again and again, and prints each version that it finds."""


def start_reader(script: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, "published/elearn.duckdb", "stop"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_is_undisturbed_while_the_warehouse_is_rebuilt_and_published(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    version = "select dataset_version from build_info"
    [(before,)] = query(folder / "published/elearn.duckdb", version)
    # Processes of their own, since one process shares a file that it opens twice.
    holder, opener = readers = [start_reader(script, folder) for script in (HOLDER, OPENER)]
    assert [reader.stdout.readline() for reader in readers] == ["open\n", f"{before}\n"]
    run_elearn(folder, dbt_variables, *BUILD, "--seed", 5)
    (folder / "stop").touch()
    [(after,)] = query(folder / "published/elearn.duckdb", version)
    assert after != before
    assert holder.communicate() == (f"{before}\n", "")
    assert opener.communicate() == (f"{after}\n", "")


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
        ([("run",)], False),
        ([("build", "--empty")], False),
        ([("run",), ("test",)], True),
        ([("build", "--vars", "label_window_days: 7")], True),
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
        run_dbt(warehouse, dbt_variables, *arguments)
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
    assert run_dbt(warehouse, dbt_variables, "test").returncode == 0
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
        (lambda folder: None, "summary.json", "a DuckDB file or a new name"),
        (lambda folder: None, "published", "a file, not a folder"),
        (lambda folder: None, "raw.duckdb", "a file name that is not one of its schemas"),
        (
            lambda folder: None,
            "summary.json/elearn.duckdb",
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


def test_a_killed_publish_leaves_the_old_file_and_the_next_one_cleans_up(folder: Path) -> None:
    published = folder / "published/elearn.duckdb"
    before = published.read_bytes()
    command = [sys.executable, "-m", "generator", "publish"]
    killed = 0
    for delay in (0.01, 0.03, 0.06, 0.1, 0.2, 0.4):
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        while process.poll() is None and not _is_writing(folder):
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        if process.returncode != 0:
            assert query(published, "select count(*) from build_info") == [(1,)]
    assert killed
    assert len(published.read_bytes()) == len(before)
    publish_warehouse(folder / "warehouse.duckdb", published)
    assert list(published.parent.iterdir()) == [published]


def _is_writing(folder: Path) -> bool:
    return any((folder / "published").glob(".writing-*/*"))


def test_two_publishes_at_once_both_end_well(folder: Path) -> None:
    command = [sys.executable, "-m", "generator", "publish", "--quiet"]
    processes = [subprocess.Popen(command, cwd=folder) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert list((folder / "published").iterdir()) == [folder / "published/elearn.duckdb"]


def test_the_published_file_is_a_warehouse_for_reading_commands(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    for command in [
        ("versions",),
        ("verify",),
        ("verify", "--marts"),
        ("export", "--output-dir", "x"),
    ]:
        on_warehouse = run_elearn(folder, dbt_variables, *command, "--json").stdout
        where = ("--warehouse", "published/elearn.duckdb", "--json")
        on_published = run_elearn(folder, dbt_variables, *command, *where).stdout
        results = [json.loads(text) for text in (on_warehouse, on_published)]
        for result in results:
            result.pop("seconds", None)
            result.pop("place", None)
        assert results[0] == results[1]
        if command[0] == "export":
            assert set(results[0]["rows"]) == {*RAW, *MARTS} - {"raw.loads"}
