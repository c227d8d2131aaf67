from __future__ import annotations

from pathlib import Path

import pytest

from tests.loader.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with files to load, and a warehouse to load them into."""
    return Desk(tmp_path)
