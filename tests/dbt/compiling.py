"""Compile the dbt project for several sets of vars in one process, which saves dbt's start.

A program of its own, because dbt in the tests' process would bring its warnings and its logging.
"""

from __future__ import annotations

import json
import sys

from dbt.cli.main import dbtRunner


def compile_each(targets: dict[str, str]) -> bool:
    """Compile into each target folder with its vars, given as JSON."""
    return all(
        dbtRunner()
        .invoke(["compile", "--full-refresh", "--target-path", target, "--vars", given])
        .success
        for target, given in targets.items()
    )


if __name__ == "__main__":
    sys.exit(not compile_each(json.loads(sys.argv[1])))
