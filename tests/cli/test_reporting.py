"""What a command shows while it works: a bar on a terminal, and none in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Elearn

GENERATE = ("generate", "--n-users", "700", "--days", "30")


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """Run a command whose stderr is a terminal; return what it shows there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "generator", *arguments]
    environment = os.environ | {"COLUMNS": "120"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # what Linux says when the other end is closed
        return b""


def test_a_terminal_shows_how_many_users_and_events_are_written(tmp_path: Path) -> None:
    shown = on_a_terminal(tmp_path, *GENERATE)
    assert "simulate" in shown
    assert "700 of 700 users" in shown
    assert " events/s" in shown


@pytest.mark.parametrize("options", [["--quiet"], []])
def test_a_pipe_and_a_quiet_command_show_no_bar(
    options: list[str], elearn: Elearn, tmp_path: Path
) -> None:
    assert "\x1b" not in elearn(*GENERATE, *options).stderr
    assert on_a_terminal(tmp_path, *GENERATE, "--quiet") == ""
