"""What an engine moves from memory to disk: rows, in a folder beside the database."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def remove_spilled(path: Path) -> None:
    """Remove what a killed command left of it; DuckDB does not, and it holds rows as they were.

    Parameters
    ----------
    path
        A database that no other process has open.
    """
    file = path.absolute()  # beside a link, where the engine was given one
    folder = file.with_name(file.name + ".tmp")
    with suppress(OSError):  # not there, not ours to change, or it holds something else
        for left in folder.glob("duckdb_temp_*"):
            left.unlink(missing_ok=True)
        folder.rmdir()
