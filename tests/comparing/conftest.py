from __future__ import annotations

from tests.publishing.conftest import built, other, published

__all__ = ["built", "other", "published"]
