from __future__ import annotations

import pytest

from tests.dbt.marts import Marts, compile_marts
from tests.dbt.worlds import VARS


@pytest.fixture(scope="session")
def marts(
    tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]
) -> dict[str, Marts]:
    """The compiled models for each set of vars."""
    return compile_marts(tmp_path_factory.mktemp("compiled"), dbt_variables, VARS)
