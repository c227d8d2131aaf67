"""Every command of the tutorial is run, and prints what the tutorial says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"

FORKING = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.preloaded import fork
arguments = ["-m", "generator", *sys.argv[1:]]
sys.exit(fork(arguments, os.getcwd(), os.environ, [0, 1, 2]))
"""


class Example(NamedTuple):
    """A command, and what the tutorial shows below it."""

    command: str
    output: str


def examples(text: str) -> Iterator[Example]:
    """Yield the commands of the console blocks; "> " goes on with the line before."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, output = re.match(r"(.*\n(?:> .*\n)*)((?:.*\n)*)", example).groups()
            yield Example(re.sub(r"\n> ", "\n", command), output)


@pytest.fixture
def programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the shell looks for programs: first where elearn is one that forks."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "elearn").write_text(f"#!{sys.executable}\n{FORKING}")
    (folder / "elearn").chmod(0o755)
    return os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])


def run(command: str, folder: Path, variables: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_every_command_prints_what_the_tutorial_shows(
    tmp_path: Path, programs: str, dbt_variables: dict[str, str]
) -> None:
    shown = list(examples(TUTORIAL.read_text()))
    assert len(shown) > 20
    for example in shown:
        printed = run(example.command, tmp_path, dbt_variables | {"PATH": programs})
        assert printed == example.output, f"$ {example.command}"
