"""Compile the dbt project for several sets of vars in one process, which saves dbt's start.

A program of its own, because dbt in the tests' process would bring its warnings and its logging.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner, dbtRunnerResult


def compile_each(targets: dict[str, str]) -> bool:
    """Compile into each target folder with its vars, given as JSON."""
    return all(
        compile_hook(target, given) and invoke("compile", target, given).success
        for target, given in targets.items()
    )


def compile_hook(target: str, given: str) -> bool:
    """Compile the hook before the models, since the last one to compile writes the manifest."""
    done = invoke("compile", target, given, "--quiet", "--inline", "{{ find_outdated_rows() }}")
    if done.success:
        [outcome] = done.result.results
        Path(target, "hook.sql").write_text(outcome.node.compiled_code)
    return done.success


def invoke(command: str, target: str, given: str, *options: str) -> dbtRunnerResult:
    arguments = [command, "--full-refresh", "--target-path", target, "--vars", given]
    return dbtRunner().invoke([*arguments, *options])


if __name__ == "__main__":
    sys.exit(not compile_each(json.loads(sys.argv[1])))
