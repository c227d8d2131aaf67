"""What a killed command leaves: all of an erasure or nothing, and no byte beside the files."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from generator.warehouse.file import read_warehouse
from generator.warehouse.paths import private_path
from generator.warehouse.private import read_private
from generator.warehouse.verify import verify_warehouse
from tests.erasing.desk import WORD, all_bytes, holding_the_word, load_with_word, take_out
from tests.loader.desk import Desk
from tests.named_moments import Moment, kill_at
from tests.private import query_private

NEXT = "generator.warehouse.next_private_file.NextPrivateFile"
MOMENTS = {
    "begun": Moment("after", f"{NEXT}.copy"),
    "sealed": Moment("after", f"{NEXT}.seal"),
    "before_the_rename": Moment("before", "generator.warehouse.anew.move_file"),
    "after_the_rename": Moment("after", "generator.erasing.write_anew"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_erasure_killed_at_any_moment_is_whole_or_did_not_happen(
    moment: str, desk: Desk
) -> None:
    load_with_word(desk)
    kill_at(MOMENTS[moment], desk.folder, "erase", "--user-id", 2)
    with read_warehouse(desk.warehouse) as con, read_private(con, desk.warehouse):
        pass  # any command that reads the private file finishes it
    is_erased = moment == "after_the_rename"
    assert {*all_bytes(desk)} == {"warehouse.duckdb", "warehouse.private.duckdb"}
    assert holding_the_word(desk) == ([] if is_erased else sorted(all_bytes(desk)))
    assert desk.query("select count(*) from raw.users") == [(1 if is_erased else 2,)]
    kept = query_private(desk.warehouse, "select count(*) from private.rejected_rows")
    assert kept == [(1 if is_erased else 2,)]
    assert verify_warehouse(desk.warehouse).matches
    if not is_erased:
        take_out(desk, user_id="2")
        assert not holding_the_word(desk)


# Sorts more than fits into memory, and dies as soon as some of it is on the disk.
SPILL = """
import os, signal, sys, threading, time
from pathlib import Path
import duckdb
path, word = sys.argv[1:]
con = duckdb.connect(path, config={"memory_limit": "30MB", "threads": 1})
def kill():
    while word.encode() not in b"".join(p.read_bytes() for p in Path(path + ".tmp").glob("*")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill, daemon=True).start()
while True:
    con.execute(
        "create or replace temp table rows as"
        " select ? || (range * 7919) % 1000003 as word from range(1000000) order by all", [word]
    )
"""


def test_what_a_killed_command_moved_to_disk_goes_too(desk: Desk) -> None:
    load_with_word(desk)
    for path in (desk.warehouse, private_path(desk.warehouse)):
        spilled = [sys.executable, "-c", SPILL, str(path), WORD]
        assert subprocess.run(spilled, check=False).returncode == -signal.SIGKILL
    folders = {Path(name).parts[0] for name in holding_the_word(desk) if name.endswith(".tmp")}
    assert folders == {"warehouse.duckdb.tmp", "warehouse.private.duckdb.tmp"}
    take_out(desk, user_id="2")
    assert not holding_the_word(desk)
    assert {path.name for path in desk.folder.iterdir() if path.is_dir()} == set()


LOGGED = """
import os, sys, duckdb
con = duckdb.connect(sys.argv[1])
con.execute(
    "insert into raw.events by name select * replace (99 as event_id, ? as course_name)"
    " from raw.events where user_id = 2", [sys.argv[2]]
)
os.kill(os.getpid(), 9)
"""


def test_the_log_that_a_killed_writer_left_goes_too(desk: Desk) -> None:
    load_with_word(desk)
    killed = [sys.executable, "-c", LOGGED, str(desk.warehouse), WORD[::-1]]
    assert subprocess.run(killed, check=False).returncode == -signal.SIGKILL
    assert WORD[::-1].encode() in all_bytes(desk)["warehouse.duckdb.wal"]
    report = take_out(desk, user_id="2")
    assert report.rows["raw.events"] == 2
    assert {*all_bytes(desk)} == {"warehouse.duckdb", "warehouse.private.duckdb"}
    assert not [name for name, content in all_bytes(desk).items() if WORD[::-1].encode() in content]
