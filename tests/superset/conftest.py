from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import run_elearn
from tests.superset.server import Superset, serving


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    """A folder with a published file in which many leave, and some become paying users."""
    folder = tmp_path_factory.mktemp("built")
    size = ("--n-users", 150, "--days", 100, "--churn-base-rate", 0.8, "--upgrade-rate", 0.3)
    run_elearn(folder, dbt_variables, "build", "--quiet", *size)
    return folder


@pytest.fixture(scope="session")
def superset(pytestconfig: pytest.Config, folder: Path) -> Iterator[Superset]:
    with serving(str(Path(pytestconfig.getoption("superset")).absolute()), folder) as server:
        yield server
