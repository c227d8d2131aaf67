"""Run dbt on Spark for several lakes in one process, since a Java machine is slow to start.

A program of its own, because dbt in the tests' process would bring its warnings and its logging.
After each run it keeps a copy of what Spark wrote, and the status of every node.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner


def invoke(arguments: list[str], target: str, lake: str, kept: Path) -> None:
    """Run dbt over a lake and keep its outcome in a folder."""
    os.environ["ELEARN_LAKE"] = lake
    outcome = dbtRunner().invoke([*arguments, "--target", target, "--no-use-colors"])
    tables = Path(os.environ["ELEARN_SPARK_WAREHOUSE"], "tables")
    kept.mkdir()
    for schema in ("main.db", "spans.db"):
        if (tables / schema).exists():  # copy2 keeps the times of the files
            shutil.copytree(tables / schema, kept, dirs_exist_ok=True)
    statuses = {node.node.name: str(node.status) for node in outcome.result}
    (kept / "statuses.json").write_text(json.dumps(statuses))


if __name__ == "__main__":
    for step in json.loads(sys.argv[1]):
        invoke(step["arguments"], step["target"], step["lake"], Path(step["kept"]))
