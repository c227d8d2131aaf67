from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.conftest import dbt_writing_to, made_once, run_elearn
from tests.publishing.folders import BUILD


@pytest.fixture(scope="session")
def built(shared_folder: Path) -> Path:
    """A folder after `elearn build`; tests copy it."""
    return made_once(shared_folder / "published", build)


def build(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        done = run_elearn(folder, dbt_writing_to(Path(name)), *BUILD)
    (folder / "summary.txt").write_text(done.stdout)


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    return copy


@pytest.fixture
def other(built: Path, tmp_path: Path) -> Path:
    """A copy of the published file that a test may change."""
    path = tmp_path / "other.duckdb"
    shutil.copyfile(built / "published/elearn.duckdb", path)
    return path


@pytest.fixture
def published(built: Path) -> Path:
    return built / "published/elearn.duckdb"
