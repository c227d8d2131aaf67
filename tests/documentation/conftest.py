from __future__ import annotations

from pathlib import Path

import pytest

from generator.documentation.project import Project


@pytest.fixture(scope="session")
def project(documentation: Path) -> Project:
    return Project.read(documentation / "target")
