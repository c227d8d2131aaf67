"""Readers, writers and kills while a warehouse is published."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.publishing.publish import publish_from, publish_warehouse
from generator.warehouse.file import read_warehouse
from tests.conftest import run_elearn
from tests.named_moments import Moment, kill_at
from tests.publishing.folders import BUILD, HOLDER, OPENER, query, start_reader

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


MOMENTS = {
    "copied_but_with_what_readers_do_not_get": Moment(
        "before", "generator.publishing.publish._keep_for_readers"
    ),
    "not_yet_synced": Moment("before", "os.fsync"),
    "not_yet_renamed": Moment("before", "pathlib.Path.replace"),
    "just_renamed": Moment("after", "pathlib.Path.replace"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_publish_leaves_a_whole_file_and_the_next_one_cleans_up(
    moment: str, folder: Path
) -> None:
    published = folder / "published/elearn.duckdb"
    before = published.read_bytes()
    kill_at(MOMENTS[moment], folder, "publish")
    assert query(published, "select count(*) from build_info") == [(1,)]
    assert moment == "just_renamed" or published.read_bytes() == before
    publish_warehouse(folder / "warehouse.duckdb", published)
    assert list(published.parent.iterdir()) == [published]


def test_two_publishes_at_once_both_end_well(folder: Path) -> None:
    command = [sys.executable, "-m", "generator", "publish", "--quiet"]
    processes = [subprocess.Popen(command, cwd=folder) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert list((folder / "published").iterdir()) == [folder / "published/elearn.duckdb"]
