"""Two at once: one wins, the other waits or says who holds the lock; never a mixture."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.publishing.folders import HOLDER, OPENER, start_reader
from tests.robustness.killing import command_line, environment, run, spread
from tests.robustness.states import NEW, OLD, SIZE, States, content, raw_version

pytestmark = pytest.mark.slow


def start(command: Sequence[object], states: States) -> subprocess.Popen[str]:
    arguments, where = command_line(command)
    return subprocess.Popen(
        arguments,
        cwd=where or states.folder,
        env=environment(states.variables, states.folder / "warehouse.duckdb"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_held(warehouse: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a process has the warehouse open, without opening it."""
    while process.poll() is None:
        for handle in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                if handle.readlink() == warehouse:
                    return
        time.sleep(0.01)
    pytest.fail(f"it ended before anybody saw it: {process.communicate()}")


@contextmanager
def ten_readers(folder: Path) -> Iterator[None]:
    """Read the published file all the time, in ten processes."""
    scripts = (HOLDER,) * 8 + (OPENER,) * 2  # each of these takes a third of a core
    readers = [start_reader(script, folder) for script in scripts]
    try:
        yield
    finally:
        (folder / "stop").touch()
        ended = [reader.communicate() for reader in readers]
        (folder / "stop").unlink()
    for reader, (out, err) in zip(readers, ended, strict=True):
        assert (reader.returncode, err) == (0, "")
        assert out


def check_refused(process: subprocess.Popen[str], holder: int) -> None:
    _, stderr = process.communicate()
    assert process.returncode == 3, stderr
    assert re.search(rf"^Error: .*: process {holder} \(.+\) has the warehouse open", stderr, re.M)
    assert stderr.count("\n") == 1


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("lead", spread(10, 1))
def test_of_two_generates_each_is_whole_or_refused(
    lead: float, exists: bool, states: States
) -> None:
    warehouse = states.start("arriving") / "warehouse.duckdb"
    if not exists:
        warehouse.unlink()
    one = start(("generate", *SIZE, *OLD, "--json", "--quiet"), states)
    time.sleep(lead)  # of a run that takes more than a second
    other = start(("generate", *SIZE, *NEW, "--json", "--quiet"), states)
    outputs = [process.communicate() for process in (one, other)]
    for process, rival, (_, stderr) in ((one, other, outputs[0]), (other, one, outputs[1])):
        assert process.returncode in (0, 3), stderr
        assert process.returncode == 0 or f"process {rival.pid} (" in stderr
    won = [out for out, _ in outputs if out]
    assert won
    assert any(raw_version(warehouse) in out for out in won)


def test_what_is_done_during_a_dbt_build_says_who_holds_the_lock(states: States) -> None:
    expected, _ = states.undisturbed("simulated", ("dbt", "build"))
    folder = states.start("simulated")
    with ten_readers(folder):
        building = start(("dbt", "build"), states)
        wait_until_held(folder / "warehouse.duckdb", building)
        others = [
            start(command, states)
            for command in (
                ("generate", *SIZE, *OLD),
                ("publish",),
                ("verify",),
                ("load", "--append", "--events", "files/late.csv"),
            )
        ]
        for other in others:
            check_refused(other, building.pid)
        out, _ = building.communicate()
    assert building.returncode == 0, out
    assert content(folder) == expected


def test_a_dbt_build_during_a_generate_stops_with_a_sentence(states: States) -> None:
    folder = states.start("built")
    generating = start(("generate", *SIZE, *NEW), states)
    wait_until_held(folder / "warehouse.duckdb", generating)
    generating.send_signal(signal.SIGSTOP)  # it keeps its lock until the others are through
    done = run(("build", "--no-generate"), folder, states.variables, check=False)
    bare = run(("dbt", "build"), folder, states.variables, check=False)
    generating.send_signal(signal.SIGCONT)
    assert done.returncode == 3
    assert f"process {generating.pid} (" in done.stderr
    assert bare.returncode != 0
    assert "lock" in bare.stdout
    _, stderr = generating.communicate()
    assert generating.returncode == 0, stderr
    assert raw_version(folder / "warehouse.duckdb")


@pytest.mark.parametrize("publishers", [2, pytest.param(6, marks=pytest.mark.whole)])
def test_publishes_at_once_end_with_one_whole_file(publishers: int, states: States) -> None:
    expected, _ = states.undisturbed("rebuilt", ("publish",))
    folder = states.start("rebuilt")
    with ten_readers(folder):
        processes = [start(("publish",), states) for _ in range(publishers)]
        ended = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * publishers, ended
    assert content(folder) == expected
    assert [path.name for path in (folder / "published").iterdir()] == ["elearn.duckdb"]


def test_a_warehouse_swapped_under_a_publish_is_published_whole_or_not_at_all(
    states: States,
) -> None:
    old = content(states.start("built"))["published"]
    new = states.undisturbed("rebuilt", ("publish",))[0]["published"]
    folder = states.start("rebuilt")
    publishing = start(("publish",), states)
    other = folder / "other.duckdb"
    shutil.copy(states.shared / "built" / "warehouse.duckdb", other)
    wait_until_held(folder / "warehouse.duckdb", publishing)
    other.replace(folder / "warehouse.duckdb")
    publishing.communicate()
    assert content(folder)["published"] in (old, new)
