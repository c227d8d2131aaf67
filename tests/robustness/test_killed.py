"""A command that is killed at any moment leaves the old or the new, and the next one ends it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence

import pytest

from generator.warehouse.file import check_unlocked
from tests.robustness.killing import run, run_until
from tests.robustness.moments import MOMENTS, moments
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


def end_at(
    states: States, name: str, moment: str, number: signal.Signals = signal.SIGKILL
) -> subprocess.CompletedProcess[str]:
    """End a command at one of its moments."""
    state, command = COMMANDS[name]
    states.undisturbed(state, command)  # it uses the same folder
    folder = states.start(state)
    return run_until(MOMENTS[name][moment], command, folder, states.variables, number)


def check_old_or_new(states: States, name: str) -> bool:
    """Check that each file holds the old or the new, whole; return whether raw is new."""
    state, command = COMMANDS[name]
    new, _ = states.undisturbed(state, command)
    old = states.content_of(state)
    found = content(states.folder)
    assert found.keys() == old.keys() | found.keys()
    for file in found.keys() - {"marts"}:
        allowed = [old.get(file), new[file]] + ([TORN] if name == "export" else [])
        assert found[file] in allowed, file
    return bool(found["warehouse"] == new["warehouse"] != old["warehouse"])


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        pytest.param(name, *moment.values, marks=moment.marks)
        for name in COMMANDS
        for moment in moments(name)
    ],
)
def test_a_killed_command_loses_nothing(name: str, moment: str, states: States) -> None:
    ended = end_at(states, name, moment)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    check_ended_by_the_next(states, name)


def check_ended_by_the_next(states: States, name: str) -> None:
    """Check what is left, and that the same command once more ends as if undisturbed."""
    state, command = COMMANDS[name]
    check_unlocked(states.folder / "warehouse.duckdb")
    is_new = check_old_or_new(states, name)
    done = run(command, states.folder, states.variables, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if name == "append" and is_new:  # what is stored already is not stored twice
        assert "repeated" in done.stdout
    expected, files = states.undisturbed(state, command)
    assert content(states.folder) == expected
    assert names(states.folder) == files


@pytest.mark.parametrize(
    ("name", "moment", "number"),
    [
        pytest.param(
            name, *moment.values, number, marks=moment.marks or [pytest.mark.whole] * is_whole
        )
        for place, name in enumerate(OF_ELEARN)
        for moment in moments(name)
        for number, is_whole in ((signal.SIGINT, place % 2), (signal.SIGTERM, not place % 2))
    ],
)
def test_a_stopped_command_says_so_and_loses_nothing(
    name: str, moment: str, number: signal.Signals, states: States
) -> None:
    ended = end_at(states, name, moment, number)
    last = ended.stderr.splitlines()[-1]
    assert last == f"Error: stopped by {number.name}; what was not finished is undone"
    assert ended.returncode == 128 + number
    check_ended_by_the_next(states, name)
