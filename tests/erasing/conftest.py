from __future__ import annotations

from tests.publishing.conftest import built, folder

__all__ = ["built", "folder"]
