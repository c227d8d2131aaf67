"""A Python that has imported everything: whatever it runs is a fork of it.

To import dbt takes two seconds, and the command line one, which is longer than most of what a test
asks of them. A fork is a process like any other, with its own folder, environment, streams, signals
and exit code; only the imports are done. ``server`` is the process that forks.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

SOCKET = "socket"
AT_START = dict(os.environ)
VARIABLE = "ELEARN_TESTS_PYTHON"
"""Tells the workers of a run of tests where the socket is."""
KILLED_ARE_QUIET = ("-W", "ignore:resource_tracker")
"""A dbt that a test kills leaves semaphores, which another process removes and complains about."""


class Server:
    """The process that forks; it imports at once, or when it is first asked."""

    def __init__(self, at_once: bool) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="elearn-tests-"))  # paths of sockets are short
        program = ["tests.preloaded.server", str(self._folder), *(["at once"] if at_once else [])]
        self._process = subprocess.Popen(
            [sys.executable, *KILLED_ARE_QUIET, "-m", *program],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        os.environ[VARIABLE] = str(self._folder / SOCKET)

    def end(self) -> None:
        """End the process and what it still runs."""
        self._process.communicate()
        shutil.rmtree(self._folder)
        del os.environ[VARIABLE]


def run_python(
    arguments: list[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Python with its arguments, such as ``-m``, like ``subprocess.run`` would.

    It does so where no run of tests began a server, as in ``make bench``.
    """
    if VARIABLE not in os.environ or starts_otherwise(environment):
        return subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    with (
        Path(os.devnull).open() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        streams = [stdin.fileno(), stdout.fileno(), stderr.fileno()]
        code = fork(arguments, folder, environment, streams)
        texts = [_text(file) for file in (stdout, stderr)]
    return subprocess.CompletedProcess([sys.executable, *arguments], code, *texts)


def starts_otherwise(environment: Mapping[str, str]) -> bool:
    """Tell whether a variable differs that an interpreter reads when it starts."""
    read_then = ("PYTHON", "LC_", "LANG", "LD_")
    names = {name for name in {*environment, *AT_START} if name.startswith(read_then)}
    return any(environment.get(name) != AT_START.get(name) for name in names)


def fork(
    arguments: list[str], folder: str | Path, environment: Mapping[str, str], streams: list[int]
) -> int:
    """Let the server fork, with these streams, and return how the fork ended."""
    request = {
        "arguments": arguments,
        "folder": str(folder),
        "environment": dict(environment),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[VARIABLE])
        text = json.dumps(request).encode()
        socket.send_fds(connection, [len(text).to_bytes(4, "big")], streams)
        connection.sendall(text)
        code = connection.recv(4, socket.MSG_WAITALL)
    assert len(code) == 4, "the preloaded Python is gone"
    return int.from_bytes(code, "big", signed=True)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
