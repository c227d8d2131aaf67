"""Erasure where files may not be written or read, the disk is full, or the warehouse is a link."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.warehouse.paths import private_path
from generator.warehouse.verify import verify_warehouse
from tests.erasing.desk import WORD, all_bytes, holding_the_word, load_with_word, take_out
from tests.loader.desk import Desk
from tests.preloaded import run_python
from tests.robustness.test_full_disks import AS_NOBODY, can_mount

NOBODY = 65534
ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
LIMITED = """
import resource, sys
from generator.cli.app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv[1:] = sys.argv[2:]
main()
"""
ERASE = ("erase", "--quiet", "--user-id", "2")


@pytest.fixture
def open_desk(desk: Desk) -> Iterator[Desk]:
    """A loaded desk for everybody; pytest's own folders are closed to nobody."""
    load_with_word(desk)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        for source in (desk.warehouse, private_path(desk.warehouse)):
            copy = folder / source.name
            copy.write_bytes(source.read_bytes())
            copy.chmod(0o666)
        yield Desk(folder)
        folder.chmod(0o777)


def refused(desk: Desk, code: str, *first: object) -> tuple[int, str]:
    """Run a command that has to change nothing; return its exit code and its one line."""
    before = all_bytes(desk)
    arguments = ["-c", code, *map(str, first), *ERASE]
    environment = os.environ | {"ELEARN_WAREHOUSE": str(desk.warehouse)}
    done = run_python(arguments, desk.folder, environment)
    desk.folder.chmod(0o777)
    assert all_bytes(desk) == before
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    return done.returncode, done.stderr.strip()


@ONLY_ROOT
def test_a_private_file_that_may_not_be_read_is_refused(open_desk: Desk) -> None:
    path = private_path(open_desk.warehouse)
    path.chmod(0)
    line = f"Error: private file: '{path}' is not allowed; give a file that can be read"
    assert refused(open_desk, AS_NOBODY) == (2, line)


@ONLY_ROOT
def test_a_warehouse_that_may_not_be_written_is_refused(open_desk: Desk) -> None:
    open_desk.warehouse.chmod(0o444)
    line = f"Error: --warehouse: '{open_desk.warehouse}' is not allowed; give a file that can be"
    assert refused(open_desk, AS_NOBODY) == (2, f"{line} written")


@ONLY_ROOT
def test_a_folder_that_may_not_be_written_is_refused(open_desk: Desk) -> None:
    open_desk.folder.chmod(0o555)
    line = f"Error: --warehouse: '{open_desk.warehouse}' is not allowed; give a file in a folder"
    assert refused(open_desk, AS_NOBODY) == (2, f"{line} that can be written")


@ONLY_ROOT
def test_a_file_that_may_not_be_replaced_stays(open_desk: Desk) -> None:
    open_desk.folder.chmod(0o1777)  # as of /tmp: nobody takes a file of root away
    line = f"Error: {open_desk.warehouse}: cannot be replaced: Operation not permitted"
    assert refused(open_desk, AS_NOBODY) == (1, line)


@ONLY_ROOT
def test_files_keep_their_owner_whoever_erases(open_desk: Desk) -> None:
    files = open_desk.warehouse, private_path(open_desk.warehouse)
    for path in files:
        os.chown(path, NOBODY, NOBODY)
    take_out(open_desk, user_id="2")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in files} == {(NOBODY, NOBODY)}
    assert [path.stat().st_mode & 0o777 for path in files] == [0o666, 0o600]


@pytest.mark.parametrize("share", [0.02, 0.4, 0.8])
def test_a_file_that_may_not_grow_costs_nothing(share: float, open_desk: Desk) -> None:
    limit = int(open_desk.warehouse.stat().st_size * share)
    code, line = refused(open_desk, LIMITED, limit)
    assert code == 1
    assert "File too large" in line


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="nobody but root may mount")
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_disk_that_is_full_costs_nothing(share: float, open_desk: Desk, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in open_desk.folder.iterdir()}
    size = sum(map(len, files.values())) + int(share * len(files["warehouse.duckdb"]))
    disk = Desk(tmp_path / "disk")
    disk.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk.folder], check=True)
    try:
        for name, content in files.items():
            (disk.folder / name).write_bytes(content)
        code, line = refused(disk, "from generator.cli.app import main; main()")
        assert code == 1
        assert "No space left on device" in line
    finally:
        subprocess.run(["umount", disk.folder], check=True)


def test_a_link_stays_and_the_files_that_it_leads_to_are_written_anew(desk: Desk) -> None:
    load_with_word(desk)
    far = desk.folder / "far"
    far.mkdir()
    for path in (desk.warehouse, private_path(desk.warehouse)):
        path.rename(far / path.name)
    desk.warehouse.symlink_to(far / "warehouse.duckdb")
    published = desk.folder / "published.duckdb"
    published.write_bytes(WORD.encode())
    take_out(desk, user_id="2")
    assert holding_the_word(desk) == ["published.duckdb"], "another file beside it is not touched"
    assert desk.warehouse.is_symlink()
    assert {path.name for path in far.iterdir()} == {"warehouse.duckdb", "warehouse.private.duckdb"}
    assert verify_warehouse(desk.warehouse).matches
