"""A command that is killed at any moment leaves the old or the new, and the next one ends it."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from generator.errors import LockedError
from generator.warehouse.file import check_unlocked
from tests.robustness.killing import Ended, end_after, run, spread
from tests.robustness.states import APPEND, EXPORT, LOAD, NEW, SIZE, TORN, States, content, names

pytestmark = pytest.mark.slow

# The state before, and the command.
COMMANDS: dict[str, tuple[str, Sequence[object]]] = {
    "generate": ("built", ("generate", *SIZE, *NEW)),
    "through": ("arriving", ("generate", *SIZE, "--through", "2025-03-31")),
    "load": ("built", LOAD),
    "append": ("loaded", APPEND),
    "build": ("built", ("build", *SIZE, *NEW)),
    "dbt build": ("simulated", ("dbt", "build")),
    "publish": ("rebuilt", ("publish",)),
    "export": ("rebuilt", EXPORT),
}
OF_ELEARN = [name for name in COMMANDS if name != "dbt build"]
STARTING = 0.2
"""Share of a run in which an interpreter starts, where there is nothing to lose."""


def end_at(
    states: States, name: str, share: float, number: signal.Signals = signal.SIGKILL
) -> Ended:
    """End a command at a share of its run; earlier, if it was faster this time."""
    state, command = COMMANDS[name]
    *_, seconds = states.undisturbed(state, command)
    for _ in range(20):
        states.start(state)
        moment = seconds * (STARTING + (1 - STARTING) * share)
        ended = end_after(command, states.folder, states.variables, moment, number)
        if ended.code != 0:
            return ended
        seconds = min(0.9 * seconds, ended.seconds)  # it was measured while others ran
    pytest.fail("the command always ended before it was killed")


def wait_until_closed(warehouse: Path) -> None:
    """Wait until the dbt of a killed build is gone too."""
    for _ in range(100):
        try:
            return check_unlocked(warehouse)
        except LockedError:
            time.sleep(0.1)
    pytest.fail("a process of the killed command lives on")


def check_old_or_new(states: States, name: str) -> bool:
    """Check that each file holds the old or the new, whole; return whether raw is new."""
    state, command = COMMANDS[name]
    new, *_ = states.undisturbed(state, command)
    old = states.content_of(state)
    found = content(states.folder)
    assert found.keys() == old.keys() | found.keys()
    for file in found.keys() - {"marts"}:
        allowed = [old.get(file), new[file]] + ([TORN] if name == "export" else [])
        assert found[file] in allowed, file
    return bool(found["warehouse"] == new["warehouse"] != old["warehouse"])


@pytest.mark.parametrize(
    ("name", "share"),
    [
        pytest.param(name, *share.values, marks=share.marks)
        for name in COMMANDS
        for share in spread(20, 1 if "build" in name else 2)
    ],
)
def test_a_killed_command_loses_nothing(name: str, share: float, states: States) -> None:
    ended = end_at(states, name, share)
    assert ended.code == -signal.SIGKILL
    check_ended_by_the_next(states, name)


def check_ended_by_the_next(states: States, name: str) -> None:
    """Check what is left, and that the same command once more ends as if undisturbed."""
    state, command = COMMANDS[name]
    wait_until_closed(states.folder / "warehouse.duckdb")
    is_new = check_old_or_new(states, name)
    done = run(command, states.folder, states.variables, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if name == "append" and is_new:  # what is stored already is not stored twice
        assert "repeated" in done.stdout
    expected, files, _ = states.undisturbed(state, command)
    assert content(states.folder) == expected
    assert names(states.folder) == files


@pytest.mark.parametrize(
    ("name", "share", "number"),
    [
        pytest.param(
            name, *share.values, number, marks=share.marks or [pytest.mark.whole] * is_whole
        )
        for place, name in enumerate(OF_ELEARN)
        for share in spread(5, 1)
        for number, is_whole in ((signal.SIGINT, place % 2), (signal.SIGTERM, not place % 2))
    ],
)
def test_a_stopped_command_says_so_and_loses_nothing(
    name: str, share: float, number: signal.Signals, states: States
) -> None:
    ended = end_at(states, name, share, number)
    last = ended.stderr.splitlines()[-1]
    assert last == f"Error: stopped by {number.name}; what was not finished is undone"
    assert ended.code == 128 + number
    check_ended_by_the_next(states, name)
