"""What dbt parses is the same for any vars, as the forks of the tests take it to be.

They parse once for all vars (``tests/preloaded/server.py``). A macro or a setting that read a var
while it is parsed would be wrong there, and right for users: so dbt itself parses here, anew.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.publishing.dbt import DBT
from tests.conftest import ROOT, WRITING_RESULTS, dbt_writing_to
from tests.dbt.marts import vars_arguments
from tests.dbt.worlds import VARS

pytestmark = pytest.mark.slow

OF_A_RUN = {"metadata", "created_at", "vars"}
"""What names a run, its moment and its vars, at any depth of a manifest; no column is called so."""


def parsed(folder: Path, *options: str) -> Any:
    """Return what a dbt of its own parses, without what differs from run to run."""
    variables = dbt_writing_to(folder) | WRITING_RESULTS
    command = [*DBT, "--quiet", "parse", "--no-partial-parse", *options]
    warehouse = {"ELEARN_WAREHOUSE": str(folder / "warehouse.duckdb")}
    subprocess.run(command, cwd=ROOT, env=os.environ | variables | warehouse, check=True)
    return without_the_run(json.loads((folder / "target/manifest.json").read_text()))


def without_the_run(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_the_run(of_it) for key, of_it in value.items() if key not in OF_A_RUN}
    return [without_the_run(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def by_default(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return parsed(tmp_path_factory.mktemp("default"))


@pytest.mark.parametrize("name", [name for name in VARS if name != "defaults"])
def test_other_vars_parse_to_the_same(name: str, tmp_path: Path, by_default: Any) -> None:
    assert len(by_default["nodes"]) > 100
    assert parsed(tmp_path, *vars_arguments(VARS[name])) == by_default
