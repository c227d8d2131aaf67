"""Run dbt once for each line of standard input, which is a request, and answer with a line.

A program of its own, because dbt in the tests' process would bring its warnings and its logging.
Each invocation has its own environment, folder and streams, and leaves no connection behind, which
would keep the warehouse locked.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.exceptions import DbtUsageException
from dbt.cli.main import dbtRunner


def serve() -> None:
    """Answer requests until there are no more."""
    replies = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), file=replies, flush=True)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        for stream, file in ((1, stdout), (2, stderr)):
            os.dup2(file.fileno(), stream)
        code = _invoke(request["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read().decode())
    return {"returncode": code, "stdout": texts[0], "stderr": texts[1]}


def _invoke(arguments: list[str]) -> int:
    outcome = dbtRunner().invoke(arguments)
    DuckDBConnectionManager.close_all_connections()
    reset_adapters()
    if outcome.exception is not None:
        if isinstance(outcome.exception, DbtUsageException):  # others were said by dbt
            print(outcome.exception)
        return 2
    return 0 if outcome.success else 1


if __name__ == "__main__":
    serve()
