from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from generator import Settings, simulate
from generator.errors import ElearnError
from generator.simulation import history
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.tables import (
    ASSIGNMENTS,
    CONTENT_TABLES,
    EVENTS,
    LOG_TABLES,
    USER_CHANGES,
    USERS,
)
from tests.conftest import Elearn
from tests.named_moments import Moment, kill_at
from tests.private import query_private

SMALL = Settings(n_users=50, days=60)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generated") / "warehouse.duckdb"
    generate_warehouse(path, SMALL, workers=2)
    return path


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_every_table_has_the_columns_and_types_of_its_schema(warehouse: Path) -> None:
    for table in (USERS, EVENTS, USER_CHANGES, *LOG_TABLES):
        found = query(
            warehouse,
            f"""
            select column_name, data_type, comment from duckdb_columns()
            where schema_name || '.' || table_name = '{table.name}' order by column_index
            """,
        )
        assert found == [(c.name, c.type, c.comment) for c in table.columns]


def test_keys_stand_in_the_database(warehouse: Path) -> None:
    keys = query(
        warehouse,
        """
        select table_name, constraint_text from duckdb_constraints()
        where schema_name = 'raw' and constraint_type in ('PRIMARY KEY', 'FOREIGN KEY')
        order by all
        """,
    )
    assert keys == [
        ("events", "FOREIGN KEY (user_id) REFERENCES raw.users(user_id)"),
        ("events", "PRIMARY KEY(event_id)"),
        ("loads", "PRIMARY KEY(load_id)"),
        ("user_changes", "FOREIGN KEY (user_id) REFERENCES raw.users(user_id)"),
        ("user_changes", "PRIMARY KEY(user_id, valid_from)"),
        ("users", "PRIMARY KEY(user_id)"),
    ]


GOOD_EVENT = {
    "event_id": "-1",
    "user_id": "1",
    "event_time": "timestamp '2025-01-05 10:00:00'",
    "event_type": "'login'",
    "event_date": "date '2025-01-05'",
    "course_name": "null",
    "watch_minutes": "null",
    "quiz_score": "null",
    "amount": "null",
}


@pytest.mark.parametrize(
    "fault",
    [
        {"event_id": "100000"},
        {"event_id": "null"},
        {"user_id": "51"},
        {"event_time": "timestamp '1969-12-31 10:00:00'", "event_date": "date '1969-12-31'"},
        {"event_time": "timestamp '2100-01-01'", "event_date": "date '2100-01-01'"},
        {"event_type": "'logout'"},
        {"event_date": "date '2025-01-06'"},
        {"watch_minutes": "-0.1"},
        {"watch_minutes": "'nan'::double"},
        {"watch_minutes": "1000000.1"},
        {"quiz_score": "'inf'::double"},
        {"quiz_score": "100.1"},
        {"amount": "0"},
        {"amount": "'nan'::double"},
        {"amount": "1e10"},
        {"event_type": "'payment_failed'"},
    ],
    ids=str,
)
def test_database_refuses_a_row_that_breaks_the_schema(
    fault: dict[str, str], warehouse: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(copy)) as con:
        insert = "insert into raw.events values ({})"
        with pytest.raises(duckdb.ConstraintException):
            con.execute(insert.format(", ".join((GOOD_EVENT | fault).values())))
        con.execute(insert.format(", ".join(GOOD_EVENT.values())))


def test_warehouse_holds_what_simulate_returns(warehouse: Path) -> None:
    users, events = simulate(SMALL)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        for table, frame in (("users", users), ("events", events)):
            stored = con.execute(f"from raw.{table} order by 1").df()
            assert list(stored.columns) == list(frame.columns)
            assert len(stored) == len(frame)
            for name in frame.columns:
                assert (stored[name].isna() == frame[name].isna()).all(), name
                assert (stored[name] == frame[name])[frame[name].notna()].all(), name


def test_truth_is_one_row_a_user_and_nothing_happens_from_churn_on(warehouse: Path) -> None:
    truth = "select count(*), count(churn_probability) from private.truth.users"
    assert query_private(warehouse, truth) == [(50, 50)]
    late = """
        select count(*) from raw.events inner join private.truth.users using (user_id)
        where event_date >= churn_date
    """
    assert query_private(warehouse, late) == [(0,)]


def test_load_history_says_what_was_loaded(warehouse: Path) -> None:
    [row] = query(
        warehouse,
        """
        select load_id, kind, seed, settings ->> 'n_users', user_rows, event_rows, first_day,
            last_day, touched_first_day, touched_last_day, length(dataset_version)
        from raw.loads
        """,
    )
    [(users, events, first, last)] = query(
        warehouse,
        """
        select (select count(*) from raw.users), count(*), min(event_date), max(event_date)
        from raw.events
        """,
    )
    assert row == (1, "simulated", 42, "50", users, events, first, last, first, last, 16)


def test_generating_again_replaces_content_and_adds_to_the_load_history(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    experiment = Settings(n_users=20, days=40, treatment_ratio=0.5, treatment_lift=0.1)
    for settings in (SMALL, experiment, Settings(n_users=10, days=40)):
        generate_warehouse(path, settings, workers=1)
        tables = query(path, "select schema_name || '.' || table_name from duckdb_tables()")
        expected = {t.name for t in (*CONTENT_TABLES, *LOG_TABLES)}
        if not settings.has_experiment:
            expected -= {ASSIGNMENTS.name}
        assert {name for (name,) in tables} == expected
    assert query(path, "select load_id, user_rows from raw.loads order by all") == [
        (1, 50),
        (2, 20),
        (3, 10),
    ]


def test_a_failure_while_writing_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.duckdb"
    generate_warehouse(path, SMALL, workers=1)
    before = path.read_bytes()
    monkeypatch.setattr(history, "IDS_PER_USER", 50)
    with pytest.raises(ElearnError, match=r"user \d+ has \d+ events, more than the 50 ids"):
        generate_warehouse(path, SMALL, workers=1)
    assert path.read_bytes() == before
    with pytest.raises(ElearnError):
        generate_warehouse(tmp_path / "new.duckdb", SMALL, workers=1)
    assert not list(tmp_path.glob("new*"))


def test_ids_of_a_history_that_is_too_long_name_the_user() -> None:
    user_id = np.repeat([7, 8], [5, 100_001])
    with pytest.raises(ElearnError, match="user 8 has 100001 events"):
        history.event_ids(user_id)
    ids = history.event_ids(np.repeat([2**31 - 1], 100_000))
    assert ids[-1] == (2**31 - 1) * 100_000 + 99_999


@pytest.mark.parametrize("days", [1, 7, 30, 37, 38])
def test_short_windows_work(days: int, tmp_path: Path) -> None:
    settings = Settings(n_users=600, days=days, churn_base_rate=1.0)
    generate_warehouse(tmp_path / "w.duckdb", settings, workers=1)
    [(first, end, last)] = query_private(
        tmp_path / "w.duckdb",
        """
        select min(churn_date) - date '2025-01-01', max(churn_date) - date '2025-01-01' + 1,
            (select max(event_date) - date '2025-01-01' from raw.events)
        from private.truth.users
        """,
    )
    expected = (7, 8) if days == 38 else (min(7, days - 1), days)
    assert (first, end) == expected
    assert last == days - 1 if days > 1 else last in (0, None)


def test_the_leap_day_is_a_day() -> None:
    _, events = simulate(Settings(n_users=200, days=60, start_date=pd.Timestamp(2024, 2, 1).date()))
    assert pd.Timestamp(2024, 2, 29) in set(events.event_date)
    assert events.event_date.max() == pd.Timestamp(2024, 3, 31)


NEXT = "generator.warehouse.next_private_file.NextPrivateFile"
MOMENTS = {
    "rows_written": Moment("before", f"{NEXT}.seal"),
    "before_the_commit": Moment("after", f"{NEXT}.seal"),
    "after_the_commit": Moment("before", f"{NEXT}.put_in_place"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_generate_killed_at_any_moment_leaves_old_or_new(
    moment: str, elearn: Elearn, tmp_path: Path
) -> None:
    old, new = ["--n-users", "20", "--days", "40"], ["--n-users", "4000", "--seed", "1"]
    elearn("generate", *old)
    path = tmp_path / "warehouse.duckdb"
    [(version,)] = query(path, "select dataset_version from raw.loads")
    size = path.stat().st_size
    kill_at(MOMENTS[moment], tmp_path, "generate", *new)
    assert path.stat().st_size > size + 2**20, "rows go to the file before the commit"
    count = 4000 if moment == "after_the_commit" else 20
    users = query(path, "select count(*), count(distinct user_id) from raw.users")
    assert users == [(count, count)]
    loads = query(path, f"select dataset_version = '{version}' from raw.loads order by load_id")
    assert loads == [(True,), (False,)][: 1 if count == 20 else 2]
    assert version in elearn("generate", *old).stdout


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_generate_says_so_and_changes_nothing(
    stop: signal.Signals, code: int, elearn: Elearn, tmp_path: Path
) -> None:
    elearn("generate", "--n-users", "20", "--days", "40")
    path = tmp_path / "warehouse.duckdb"
    [(version,)] = query(path, "select dataset_version from raw.loads")
    size = path.stat().st_size
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "generate", "--n-users", "20000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while path.stat().st_size < size + 2**20:  # rows go to the file before the commit
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(stop)
    _, errors = process.communicate()
    assert process.returncode == code, errors
    assert errors.startswith("Error: ") and errors.count("\n") == 1
    assert elearn("verify").stdout.startswith(f"match: warehouse.duckdb holds {version}")


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_that_arrives_in_a_destructor_is_not_lost(stop: signal.Signals, code: int) -> None:
    """Python drops what a handler raises there."""
    script = f"""
import os, time
from generator.cli.console import run
class Engine:
    def __del__(self):
        os.kill(os.getpid(), {stop.value})
        time.sleep(1)
def command():
    Engine()
    time.sleep(30)
run(command)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr.splitlines()) == (
        code,
        [f"Error: stopped by {stop.name}; what was not finished is undone"],
    )
