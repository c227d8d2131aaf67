"""A warehouse as the version before wrote it, which the next command moves over."""

from __future__ import annotations

import gzip
from pathlib import Path

WORD = b"quarantined9b1d4e"
"""Stands in a rejected row."""


def write_earlier(path: Path) -> Path:
    """Write a warehouse with a load of two rejected rows, then five simulated users."""
    packed = Path(__file__).with_name("earlier_warehouse.gz").read_bytes()
    path.write_bytes(gzip.decompress(packed))
    return path
