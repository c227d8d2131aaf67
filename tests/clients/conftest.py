from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.warehouse.summary import MARTS
from tests.clients.reading import ABOUT, ordered, plain
from tests.conftest import run_elearn


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("built")
    run_elearn(folder, dbt_variables, "build", "--n-users", 40, "--days", 75, "--quiet")
    return folder / "published/elearn.duckdb"


@pytest.fixture(scope="session")
def expected(published: Path) -> dict[str, Any]:
    """What the file holds, as the engine that wrote it reads it."""
    with duckdb.connect(str(published), read_only=True) as con:
        found: dict[str, Any] = {
            part: plain(con.execute(sql).fetchall()) for part, sql in ABOUT.items()
        }
        found["rows"] = {
            name: plain(con.execute(ordered(name)).fetchall()) for name, _ in found["tables"]
        }
    assert {name for name, _ in found["tables"]} >= {*MARTS, "main.build_info", "raw.events"}
    assert ["raw.events", "FOREIGN KEY", "user_id"] in found["keys"]
    assert all(comment for *_, comment in found["tables"] + found["columns"])
    assert len(found["rows"]["main.user_features_daily"]) == 40 * 75
    return found
