from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import dbt_writing_to, made_once
from tests.dbt.marts import Marts, compile_marts, read_marts
from tests.dbt.warehouses import Warehouse, arrive
from tests.dbt.worlds import VARS


@pytest.fixture(scope="session")
def marts(shared_folder: Path) -> dict[str, Marts]:
    """The compiled models for each set of vars."""
    compiled = made_once(shared_folder / "compiled", lambda folder: compile_marts(folder, VARS))
    return read_marts(compiled, VARS)


@pytest.fixture(scope="session")
def built_warehouse(
    shared_folder: Path, tmp_path_factory: pytest.TempPathFactory, marts: dict[str, Marts]
) -> Warehouse:
    """The first 110 days of a simulation, built; not to be changed."""
    built = made_once(shared_folder / "arrived", partial(build, marts))
    folder = tmp_path_factory.mktemp("built")
    shutil.copy(built / "warehouse.duckdb", folder / "kept.duckdb")
    return Warehouse(folder / "warehouse.duckdb", dbt_writing_to(folder), marts)


def build(marts: dict[str, Marts], folder: Path) -> None:
    warehouse = Warehouse(folder / "warehouse.duckdb", dbt_writing_to(folder), marts)
    arrive(warehouse.path, 110)
    warehouse.run()


@pytest.fixture
def warehouse(built_warehouse: Warehouse) -> Warehouse:
    """A copy of the built warehouse for one test."""
    built_warehouse.start_from(built_warehouse.path.with_name("kept.duckdb"))
    return built_warehouse
