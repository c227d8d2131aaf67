from __future__ import annotations

from tests.publishing.conftest import built

__all__ = ["built"]
