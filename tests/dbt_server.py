"""A dbt that stays: to import it takes longer than most of what a test asks of it."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from pathlib import Path


class DbtServer:
    """Starts the process when it is first asked, and ends it with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, arguments: list[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt like ``subprocess.run`` would."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.dbt.serving"],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            atexit.register(self._end)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"arguments": arguments, "folder": str(folder), "environment": environment}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        reply = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(["dbt", *arguments], **reply)

    def _end(self) -> None:
        assert self._process is not None
        self._process.communicate()
