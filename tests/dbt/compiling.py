"""Compile the dbt project for several sets of vars in one process, which saves dbt's start.

A program of its own, because dbt in the tests' process would bring its warnings and its logging.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner, dbtRunnerResult

from tests.preloaded.server import PARSED

SELECTED = ("resource_type:model", "resource_type:test")


def compile_each(targets: dict[str, str], defaults: str, macros: list[str]) -> bool:
    """Compile the models and tests into each target folder with its vars, given as JSON.

    The macros are compiled into one of the folders, which comes first.
    """
    done = all(compile_macro(name, defaults, targets[defaults]) for name in macros)
    for target, given in targets.items():
        hand_on_what_was_parsed(defaults, target)
        done = done and invoke("compile", target, given, "--select", *SELECTED).success
    return done


def hand_on_what_was_parsed(done: str, target: str) -> None:
    """Spare dbt to parse anew, which a fork need not do for other vars either."""
    if target != done:
        Path(target).mkdir(exist_ok=True)
        shutil.copy(Path(done, PARSED), target)


def compile_macro(name: str, target: str, given: str) -> bool:
    """Compile a macro before the models, since what compiles last writes the manifest."""
    done = invoke("compile", target, given, "--quiet", "--inline", f"{{{{ {name}() }}}}")
    if done.success:
        [outcome] = done.result.results
        Path(target, f"{name}.sql").write_text(outcome.node.compiled_code)
    return done.success


def invoke(command: str, target: str, given: str, *options: str) -> dbtRunnerResult:
    arguments = [command, "--full-refresh", "--target-path", target, "--vars", given]
    return dbtRunner().invoke([*arguments, *options])


if __name__ == "__main__":
    sys.exit(not compile_each(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]))
