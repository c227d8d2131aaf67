from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.warehouse.summary import MARTS
from tests.clients.reading import ABOUT, ordered, plain
from tests.publishing.conftest import built, published

__all__ = ["built", "published"]


@pytest.fixture(scope="session")
def expected(built: Path) -> dict[str, Any]:
    """What the file holds, as the engine that wrote it reads it."""
    with duckdb.connect(str(built / "published/elearn.duckdb"), read_only=True) as con:
        found: dict[str, Any] = {
            part: plain(con.execute(sql).fetchall()) for part, sql in ABOUT.items()
        }
        found["rows"] = {
            name: plain(con.execute(ordered(name)).fetchall()) for name, _ in found["tables"]
        }
    assert {name for name, _ in found["tables"]} >= {*MARTS, "main.build_info", "raw.events"}
    assert ["raw.events", "FOREIGN KEY", "user_id"] in found["keys"]
    assert all(comment for *_, comment in found["tables"] + found["columns"])
    assert len(found["rows"]["main.user_features_daily"]) == 60 * 70
    return found
