"""Disks that are full or closed, and warehouses that are damaged: a sentence, and nothing lost."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.robustness.killing import command_line, environment, run, spread
from tests.robustness.states import EXPORT, LOAD, NEW, SIZE, TORN, States, content, names

pytestmark = pytest.mark.slow

COMMANDS: dict[str, tuple[str, Sequence[object]]] = {
    "generate": ("built", ("generate", *SIZE, *NEW)),
    "load": ("built", LOAD),
    "publish": ("rebuilt", ("publish",)),
    "export": ("rebuilt", EXPORT),
    "dbt build": ("simulated", ("dbt", "build")),
}


def run_limited(
    command: Sequence[object], states: States, limit: int
) -> subprocess.CompletedProcess[str]:
    """Run a command that may write no file beyond some bytes, as on a full disk."""
    arguments, where = command_line(command)
    return subprocess.run(
        arguments,
        cwd=where or states.folder,
        env=environment(states.variables, states.folder / "warehouse.duckdb"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )


def check_sentence(done: subprocess.CompletedProcess[str], is_dbt: bool = False) -> None:
    assert "Traceback" not in done.stderr, done.stderr
    if is_dbt:
        assert done.returncode in (1, 2), done.stdout
    else:
        assert done.returncode == 1, done.stderr
        assert done.stderr.splitlines()[-1].startswith("Error: ")
        assert "Error: unexpected" not in done.stderr


def check_kept(states: States, name: str) -> None:
    """Check that every file holds what it held, and that the command ends once there is room."""
    state, command = COMMANDS[name]
    old, found = states.content_of(state), content(states.folder)
    for file in old.keys() - {"marts"}:
        allowed = [old[file]] + ([TORN] if name == "export" else [])
        assert found[file] in allowed, file
    run(command, states.folder, states.variables)
    expected, files = states.undisturbed(state, command)
    assert content(states.folder) == expected
    assert names(states.folder) == files


@pytest.mark.parametrize(
    ("name", "share"),
    [
        pytest.param(name, *share.values, marks=share.marks)
        for name in COMMANDS
        for share in spread(5, 1)
        if name != "dbt build" or not share.marks
    ],
)
def test_a_file_that_may_not_grow_costs_nothing(name: str, share: float, states: States) -> None:
    state, command = COMMANDS[name]
    states.undisturbed(state, command)
    biggest = max(path.stat().st_size for path in written(states.folder, name))
    states.start(state)
    done = run_limited(command, states, int(biggest * share))
    check_sentence(done, is_dbt=name == "dbt build")
    check_kept(states, name)


def written(folder: Path, name: str) -> list[Path]:
    """Return the files that a command writes."""
    places = {"publish": "published/elearn.duckdb", "export": "exported/*.parquet"}
    return list(folder.glob(places.get(name, "warehouse.duckdb")))


def can_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "tmpfs", folder]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def resize(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", "tmpfs", folder], check=True)


@pytest.fixture
def small_disk(states: States) -> Iterator[Callable[[str, int], None]]:
    """Put a state on a disk of its own, with so many bytes left."""

    def mount(state: str, left: int) -> None:
        states.start(state)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", states.folder], check=True)
        states.restore(state)
        used = os.statvfs(states.folder)
        resize(states.folder, (used.f_blocks - used.f_bfree) * used.f_frsize + left)

    yield mount
    subprocess.run(["umount", states.folder], check=True)


ON_A_SMALL_DISK = [
    pytest.param(
        name, left, marks=[] if left == 2**20 and name != "dbt build" else pytest.mark.whole
    )
    for name in COMMANDS
    for left in (2**16, 2**20)
    if can_mount()  # elsewhere, the limit above stands for it
]


@pytest.mark.skipif(not ON_A_SMALL_DISK, reason="nobody but root may mount")
@pytest.mark.parametrize(("name", "left"), ON_A_SMALL_DISK)
def test_a_disk_that_is_full_costs_nothing(
    name: str, left: int, states: States, small_disk: Callable[[str, int], None]
) -> None:
    state, command = COMMANDS[name]
    states.undisturbed(state, command)
    small_disk(state, left)
    done = run(command, states.folder, states.variables, check=False)
    check_sentence(done, is_dbt=name == "dbt build")
    resize(states.folder, 2**29)
    check_kept(states, name)


# Root may write everything, so it becomes nobody; the imports come first, as nobody may not read
# every interpreter.
AS_NOBODY = """
import os, sys
import generator.publishing.export, generator.publishing.publish, generator.sinks.files
import rich.console, rich.progress
from generator.cli.app import main
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
main()
"""


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (
            ("generate", "--warehouse", "{}/new.duckdb", "--n-users", "3", "--days", "3"),
            "--warehouse",
        ),
        (("generate", "--output-dir", "{}/files", "--n-users", "3", "--days", "3"), "--output-dir"),
        (("export", "--output-dir", "{}/files"), "--output-dir"),
        (("publish", "--published", "{}/elearn.duckdb"), "--published"),
    ],
    ids=["generate", "files", "export", "publish"],
)
def test_a_folder_that_may_not_be_written_is_an_error_of_the_call(
    command: tuple[str, ...], option: str, states: States
) -> None:
    source = states.start("rebuilt") / "warehouse.duckdb"
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to nobody
        Path(name).chmod(0o755)
        closed = Path(name) / "closed"
        closed.mkdir(mode=0o555)
        warehouse = Path(name) / "warehouse.duckdb"
        warehouse.write_bytes(source.read_bytes())
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *(part.format(closed) for part in command)],
            cwd=ROOT,
            env=environment({}, warehouse),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith(f"Error: {option}: '{closed}")
        assert done.stderr.count("\n") == 1
        assert not list(closed.iterdir())


READS: list[tuple[object, ...]] = [("verify",), ("versions",), ("publish",), EXPORT]


@pytest.mark.parametrize("command", READS, ids=lambda command: command[0])
def test_a_warehouse_that_is_gone_or_another_gets_a_sentence(
    command: tuple[object, ...], states: States
) -> None:
    folder = states.start("rebuilt")
    published = (folder / "published/elearn.duckdb").read_bytes()
    warehouse = folder / "warehouse.duckdb"
    for replacement, code in ((None, 1), (b"", 1), (b"hello", 2), (b"x" * 10**6, 2)):
        warehouse.unlink(missing_ok=True)
        if replacement is not None:
            warehouse.write_bytes(replacement)
        done = run(command, folder, states.variables, check=False)
        assert done.returncode == code, done.stderr
        assert done.stderr.startswith("Error: ")
        assert done.stderr.count("\n") == 1
    assert (folder / "published/elearn.duckdb").read_bytes() == published


def damages() -> Iterator[object]:
    """Places of a file at which it is cut or a bit is turned, as shares of its size."""
    chance = random.Random(5)
    for number in range(120):
        kind = ("cut", "turn")[number % 2]
        marks = [] if number < 6 else [pytest.mark.whole]
        yield pytest.param(kind, round(chance.random(), 4), marks=marks)


@pytest.mark.parametrize(("kind", "share"), [*damages()])
def test_a_damaged_warehouse_gets_a_sentence_and_is_left_as_it_is(
    kind: str, share: float, states: States
) -> None:
    folder = states.start("rebuilt")
    warehouse = folder / "warehouse.duckdb"
    damaged = bytearray(warehouse.read_bytes())
    place = int(share * len(damaged))
    if kind == "cut":
        del damaged[place:]
    else:
        damaged[place] ^= 1 << int(share * 1e4) % 8
    warehouse.write_bytes(damaged)
    done = run(("verify",), folder, states.variables, check=False)
    assert done.returncode in (0, 1, 2), "a crash of the engine"
    assert done.returncode == 0 or done.stderr.splitlines()[-1].startswith("Error: ")
    assert done.returncode != 0 or done.stdout.startswith("match")
    assert "Error: unexpected" not in done.stderr
    assert warehouse.read_bytes() == damaged


def test_a_file_of_another_version_of_the_format_gets_a_sentence(states: States) -> None:
    folder = states.start("rebuilt")
    warehouse = folder / "warehouse.duckdb"
    warehouse.unlink()
    other = ROOT / ".venv" / "duckdb-2.0.0"
    assert other.is_dir(), "make test installs DuckDB 2.0.0 there"
    code = "import duckdb; duckdb.connect('warehouse.duckdb').execute('create table t (i int)')"
    engine = os.environ | {"PYTHONPATH": str(other)}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=engine, check=True)
    before = warehouse.read_bytes()
    for command in [*READS, ("generate", *SIZE)]:
        done = run(command, folder, states.variables, check=False)
        assert done.returncode == 1
        assert "version number" in done.stderr
        assert done.stderr.count("\n") == 1
    assert warehouse.read_bytes() == before
