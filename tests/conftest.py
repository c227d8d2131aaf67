from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Elearn = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def elearn(tmp_path: Path) -> Elearn:
    """Run the real command line in a folder of its own."""

    def run(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "generator", *map(str, arguments)]
        done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
        assert "Traceback" not in done.stderr, done.stderr
        if check:
            assert done.returncode == 0, done.stderr
        return done

    return run
