"""A command imports what it needs, and help needs nothing that takes long to import."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from generator.__main__ import main

HEAVY = {"dbt", "duckdb", "numpy", "pandas", "pyarrow"}


def test_the_program_that_is_installed_is_the_command_line() -> None:
    [program] = entry_points(group="console_scripts", name="elearn")
    assert program.load() is main


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["build", "--help"]], ids=str)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom generator.cli.app import main\ntry: main()\nfinally: print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    imported = set(done.stdout.splitlines()[-1].split())
    assert "typer" in imported
    assert imported & HEAVY == set()
