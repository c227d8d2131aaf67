"""The private file: what no reader may get, written with the warehouse or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.errors import LockedError, UsageError
from generator.loader.load import load_files
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.file import read_warehouse
from generator.warehouse.paths import check_path, private_path
from generator.warehouse.private import read_private
from generator.warehouse.tables import TRUTH
from tests.loader.desk import EVENT, EVENTS, USERS, Desk
from tests.named_moments import Moment, kill_at
from tests.preloaded import run_python
from tests.private import private_tables, query_private

BAD = EVENT | {"event_id": "13", "event_type": "?"}


def generate(warehouse: Path, seed: int = 1) -> None:
    generate_warehouse(warehouse, Settings(n_users=20, days=40, seed=seed), workers=1)


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement)


@pytest.mark.parametrize(
    ("warehouse", "private"),
    [
        ("shop.duckdb", "shop.private.duckdb"),
        ("shop.db", "shop.db.private.duckdb"),
        ("shop", "shop.private.duckdb"),
        ("a.b.duckdb", "a.b.private.duckdb"),
    ],
)
def test_it_stands_beside_the_file_and_only_its_owner_reads_it(
    warehouse: str, private: str, tmp_path: Path
) -> None:
    generate(tmp_path / warehouse)
    assert {path.name for path in tmp_path.iterdir()} == {warehouse, private}
    assert stat.S_IMODE((tmp_path / private).stat().st_mode) == 0o600


def test_it_stands_beside_what_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    link = tmp_path / "link.duckdb"
    link.symlink_to(tmp_path / "deep/shop.duckdb")
    generate(link)
    assert private_tables(link) == {"truth.users", "main.written_by"}
    assert (tmp_path / "deep/shop.private.duckdb").exists()
    assert not (tmp_path / "link.private.duckdb").exists()


@pytest.mark.parametrize(
    "name",
    ["private.duckdb", "Private.db", "private", "shop.private.duckdb", "SHOP.PRIVATE.duckdb"],
)
def test_no_warehouse_is_called_like_a_private_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a file name that is not one of a private file"):
        check_path(tmp_path / name)
    (tmp_path / "link.duckdb").symlink_to(tmp_path / name)
    with pytest.raises(UsageError, match=r"published: .* not one of a private file"):
        check_path(tmp_path / "link.duckdb", name="published", is_replaced=True)


def test_the_quarantine_stays_over_a_load_that_replaces_and_the_truth_goes(desk: Desk) -> None:
    desk.load([*EVENTS, BAD], max_rejects=1)
    generate(desk.warehouse)
    assert private_tables(desk.warehouse) >= {"truth.users", "main.rejected_rows"}
    desk.load([*EVENTS, BAD, BAD], max_rejects=2)
    assert private_tables(desk.warehouse) == {"main.rejected_rows", "main.written_by"}
    assert desk.query("select load_id, user_text from private.rejected_rows order by all") == [
        (1, "1"),
        (3, "1"),
        (3, "1"),
    ]


def test_a_load_with_nothing_private_makes_no_file_and_leaves_an_old_one(desk: Desk) -> None:
    desk.load()
    assert not private_path(desk.warehouse).exists()
    desk.load([*EVENTS, BAD], max_rejects=1)
    before = private_path(desk.warehouse).read_bytes()
    desk.load()
    assert private_path(desk.warehouse).read_bytes() == before


def test_every_rejected_row_names_a_load_of_the_load_history(desk: Desk) -> None:
    generate(desk.warehouse)
    for _ in range(2):
        desk.load([*EVENTS, BAD], max_rejects=1)
    kept = desk.query(
        """
        select rejected_rows.load_id, loads.kind from private.rejected_rows
        left join raw.loads using (load_id) order by all
        """
    )
    assert kept == [(2, "files"), (3, "files")]
    written_by = "select load_id, loaded_at from raw.loads where load_id = 3"
    with duckdb.connect(str(private_path(desk.warehouse)), read_only=True) as con:
        found = con.execute("select load_id, loaded_at from written_by").fetchall()
    assert found == desk.query(written_by)


def test_what_is_private_is_not_in_the_bytes_of_the_warehouse(desk: Desk) -> None:
    words = [secrets.token_hex(20) for _ in range(20)]
    bad = [EVENT | {"user_id": word} for word in words]
    desk.load([*EVENTS, *bad], max_rejects=len(bad))
    kept = desk.query("select user_text from private.rejected_rows order by row_number")
    assert [text for (text,) in kept] == words
    # A unique index keeps texts as they are, where a compressed column may not show them.
    path = private_path(desk.warehouse)
    change(path, "create unique index by_user on rejected_rows (user_text)")
    assert all(word.encode() in path.read_bytes() for word in words)
    assert not [word for word in words if word.encode() in desk.warehouse.read_bytes()]
    assert {path.name for path in desk.folder.iterdir()} == {
        *("warehouse.duckdb", "warehouse.private.duckdb"),
        *("users.csv", "events.csv"),
    }


def test_a_file_of_another_warehouse_counts_as_not_there_and_is_replaced(desk: Desk) -> None:
    other = desk.folder / "other.duckdb"
    generate(other)
    desk.load()
    shutil.copy(private_path(other), private_path(desk.warehouse))
    with read_warehouse(desk.warehouse) as con, read_private(con, desk.warehouse) as private:
        assert not private.has(TRUTH)
    desk.load([*EVENTS, BAD], max_rejects=1)
    assert private_tables(desk.warehouse) == {"main.rejected_rows", "main.written_by"}
    assert any("replaced, as it belonged to another warehouse" in line for line in desk.said)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("create table user_keys as select 1 as user_id, 'a' as source_key", "holds the text keys"),
        ("drop table written_by", "a private file or a new name; move it away"),
    ],
)
def test_a_strangers_file_that_nothing_could_restore_is_not_replaced(
    statement: str, message: str, desk: Desk
) -> None:
    generate(desk.folder / "other.duckdb")
    desk.load()
    path = private_path(desk.warehouse)
    shutil.copy(private_path(desk.folder / "other.duckdb"), path)
    change(path, statement)
    before = desk.warehouse.read_bytes(), path.read_bytes()
    with pytest.raises(UsageError, match=message):
        desk.load([*EVENTS, BAD], max_rejects=1)
    assert (desk.warehouse.read_bytes(), path.read_bytes()) == before
    assert not list(desk.folder.glob("*.next*"))


def test_a_log_beside_it_is_put_into_it_first(desk: Desk) -> None:
    desk.load([*EVENTS, BAD], max_rejects=1)
    code = (
        "import duckdb, os, sys; con = duckdb.connect(sys.argv[1]);"
        "con.execute(\"update rejected_rows set reason = 'mine'\"); os._exit(0)"
    )
    path = private_path(desk.warehouse)
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.with_name(path.name + ".wal").exists()
    desk.load([*EVENTS, BAD], max_rejects=1)
    assert not path.with_name(path.name + ".wal").exists()
    reasons = "select load_id, reason = 'mine' from private.rejected_rows order by all"
    assert desk.query(reasons) == [(1, True), (2, False)]


def test_a_private_file_that_somebody_changes_stops_a_load_that_needs_it(desk: Desk) -> None:
    desk.load([*EVENTS, BAD], max_rejects=1)
    path = private_path(desk.warehouse)
    code = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, str(path)], **pipes) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError, match="has the private file open"):
            desk.load()
        holder.communicate()
    desk.load()


NEXT = "generator.warehouse.next_private_file.NextPrivateFile"
MOMENTS = {
    "begun": Moment("after", f"{NEXT}.insert"),
    "before_the_commit": Moment("after", f"{NEXT}.seal"),
    "after_the_commit": Moment("before", f"{NEXT}.put_in_place"),
    "in_place": Moment("after", f"{NEXT}.put_in_place"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_load_killed_between_the_two_files_leaves_both_old_or_both_new(
    moment: str, desk: Desk
) -> None:
    desk.load([*EVENTS, BAD], max_rejects=1)
    users, events = desk.file("u.csv", USERS), desk.file("e.csv", [*EVENTS, BAD, BAD])
    command = ("load", "--users", users, "--events", events, "--max-rejects", "2")
    kill_at(MOMENTS[moment], desk.folder, *command)
    with read_warehouse(desk.warehouse) as con, read_private(con, desk.warehouse):
        loads = len(con.execute("from raw.loads").fetchall())
    assert loads == (1 if moment in ("begun", "before_the_commit") else 2)
    assert not list(desk.folder.glob("*.next*"))
    kept = "select load_id, count(*) from private.rejected_rows group by all order by all"
    assert query_private(desk.warehouse, kept) == [(1, 1), (2, 2)][:loads]
    load_files(desk.warehouse, [users], [events], max_rejects=2)
    assert query_private(desk.warehouse, kept)[-1] == (loads + 1, 2)


LIMITED = """
import resource, sys
from generator.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
sys.argv = ["elearn", "generate", "--n-users", "200", "--days", "60", "--quiet"]
main()
"""
"""A simulation whose private file can be written, and whose warehouse cannot."""


def test_a_commit_that_fails_leaves_no_private_file(tmp_path: Path) -> None:
    assert run_python(["-c", LIMITED], tmp_path, os.environ).returncode == 1
    assert list(tmp_path.iterdir()) == []
    warehouse = tmp_path / "warehouse.duckdb"
    generate(warehouse)
    assert run_python(["-c", LIMITED], tmp_path, os.environ).returncode == 1
    with read_warehouse(warehouse) as con, read_private(con, warehouse) as private:
        assert private.rows("select count(*) from truth.users") == [(20,)]
    assert {path.name for path in tmp_path.iterdir()} == {
        warehouse.name,
        "warehouse.private.duckdb",
    }
