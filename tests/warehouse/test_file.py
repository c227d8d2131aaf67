from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator.errors import ElearnError, UsageError
from generator.warehouse.paths import check_path, private_path
from generator.warehouse.verify import verify_warehouse
from tests.conftest import Elearn

# Commits and dies at once.
COMMIT_AND_DIE = """
import os, signal
from pathlib import Path
from generator import Settings
from generator.sinks.warehouse import insert_batch, batches, simulated_tables
from generator.warehouse.tables import EVENTS
from generator.simulation import simulate_blocks
from generator.warehouse.file import Load, add_key, open_connection, record_load, replace_content
settings = Settings(n_users=30, days=40, seed=2)
with open_connection(Path("warehouse.duckdb")) as con:
    con.begin()
    replace_content(con, simulated_tables(settings))
    for batch in batches(simulate_blocks(settings, 1)):
        insert_batch(con, batch, simulated_tables(settings))
    add_key(con, EVENTS)
    record_load(con, Load("simulated", "generate", settings.as_dict(), settings.seed))
    con.commit()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_load_killed_after_its_commit_leaves_a_file_that_any_reader_opens(
    elearn: Elearn, tmp_path: Path
) -> None:
    elearn("generate", "--n-users", 20, "--days", 40)
    done = subprocess.run([sys.executable, "-c", COMMIT_AND_DIE], cwd=tmp_path, check=False)
    assert done.returncode == -9
    warehouse = tmp_path / "warehouse.duckdb"
    assert set(tmp_path.iterdir()) == {warehouse, private_path(warehouse)}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        assert con.execute("select count(*) from raw.users").fetchall() == [(30,)]
    assert verify_warehouse(warehouse).matches


# Another writer, such as dbt, keeps a log: a reader cannot replay that of a new key.
LOG_AND_DIE = """
import duckdb, os, signal
con = duckdb.connect("warehouse.duckdb", config={"wal_autocheckpoint": "1GB"})
con.execute("begin; create table main.kept (id integer); insert into kept from range(9);"
    " alter table kept add primary key (id); commit")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_log_of_a_killed_writer_is_put_into_the_file_before_it_is_read(
    elearn: Elearn, tmp_path: Path
) -> None:
    elearn("generate", "--n-users", 20, "--days", 40)
    subprocess.run([sys.executable, "-c", LOG_AND_DIE], cwd=tmp_path, check=False)
    warehouse = tmp_path / "warehouse.duckdb"
    assert (tmp_path / "warehouse.duckdb.wal").exists(), "the log was put into the file already"
    (tmp_path / "link.duckdb").symlink_to(warehouse)  # the log stands beside the file
    assert verify_warehouse(tmp_path / "link.duckdb").matches
    with duckdb.connect(str(warehouse), read_only=True) as con:
        assert con.execute("select count(*) from kept").fetchall() == [(9,)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("clock.duckdb", b"hello, this file is no database"),
        ("people.sqlite", b"SQLite format 3\0" + bytes(100)),
        ("table.parquet", b"PAR1" + bytes(100) + b"PAR1"),
        ("short", b"x"),
    ],
)
def test_a_file_that_is_no_database_is_refused_as_it_is(
    name: str, content: bytes, elearn: Elearn, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for command in (["generate", "--n-users", 2, "--days", 2], ["versions"]):
        done = elearn(*command, "--warehouse", name, check=False)
        assert done.returncode == 2
        allowed = "a DuckDB file or a new name"
        assert done.stderr == f"Error: --warehouse: {name!r} is not allowed; give {allowed}\n"
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", [":memory:", "md:shop", "s3:bucket"])
def test_a_name_with_a_meaning_for_the_engine_is_a_file_name(
    name: str, elearn: Elearn, tmp_path: Path
) -> None:
    elearn("generate", "--n-users", 2, "--days", 2, "--warehouse", name)
    assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".duckdb", "w\udcff.duckdb", "raw.duckdb", "main.duckdb"]
)
def test_an_impossible_name_is_a_usage_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="warehouse"):
        check_path(tmp_path / name)


def test_a_truncated_warehouse_gets_a_sentence(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", "--n-users", 20, "--days", 20)
    whole = (tmp_path / "warehouse.duckdb").read_bytes()
    (tmp_path / "warehouse.duckdb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ElearnError) as caught:
        verify_warehouse(tmp_path / "warehouse.duckdb")
    assert "\n" not in str(caught.value)


def test_closed_and_narrow_streams_do_no_harm(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", "--n-users", 2, "--days", 2, "--warehouse", "é.duckdb")
    command = f"{sys.executable} -m generator versions --warehouse é.duckdb"
    for redirected in (f"{command} >&-", f"PYTHONIOENCODING=ascii {command}"):
        done = subprocess.run(
            redirected, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_an_empty_folder_holds_nothing_after_a_refusal(elearn: Elearn, tmp_path: Path) -> None:
    done = elearn("versions", check=False)
    assert done.returncode == 1
    assert "run `elearn generate` or `elearn load` first" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_failed_first_load_through_a_link_leaves_the_link(elearn: Elearn, tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(tmp_path / "new.duckdb")
    (tmp_path / "bad.csv").write_text("user_id\n1\n")
    bad = ("load", "--users", "bad.csv", "--events", "bad.csv", "--warehouse", "link.duckdb")
    assert elearn(*bad, check=False).returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "link.duckdb"]
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["raw.duckdb", "RAW.duckdb", "truth.2025.duckdb", "link.duckdb"])
def test_a_file_that_the_engine_would_name_like_a_schema_is_refused(
    name: str, elearn: Elearn, tmp_path: Path
) -> None:
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "main.duckdb")
    done = elearn("generate", "--warehouse", name, check=False)
    allowed = "a file name that is not one of its schemas"
    assert done.returncode == 2
    assert done.stderr == f"Error: --warehouse: {name!r} is not allowed; give {allowed}\n"


def test_a_reader_that_leaves_early_gets_no_complaint(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", "--n-users", 2, "--days", 2)
    command = f"{sys.executable} -m generator versions | true"
    done = subprocess.run(
        ["bash", "-c", f"for _ in 1 2 3; do {command}; done"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
