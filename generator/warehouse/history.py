"""The load history, as people and scripts read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator.warehouse.file import read_loads, read_warehouse

COLUMNS = (
    "load_id",
    "loaded_at",
    "kind",
    "dataset_version",
    "user_rows",
    "event_rows",
    "first_day",
    "last_day",
    "source",
)


def read_history(warehouse: Path) -> list[dict[str, Any]]:
    """Return the rows of ``raw.loads``, the oldest first, as JSON-ready values."""
    with read_warehouse(warehouse) as con:
        rows = read_loads(con)
    return [{name: _json_ready(value) for name, value in row.items()} for row in rows]


def as_lines(loads: list[dict[str, Any]]) -> list[str]:
    """Return the load history as a table of text, one line a load under a header."""
    cells = [list(COLUMNS)]
    cells += [[_text(load[name]) for name in COLUMNS] for load in loads]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]


def _json_ready(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
