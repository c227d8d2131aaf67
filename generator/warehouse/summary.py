"""What a person wants to know of a warehouse at a glance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from shlex import quote
from typing import Any

from generator import vocabulary
from generator.errors import ElearnError
from generator.warehouse.file import Connection, last_load
from generator.warehouse.private import PrivateFile
from generator.warehouse.sql import has_table, one_row
from generator.warehouse.tables import TRUTH, USER_CHANGES

MARTS = tuple(f"main.{name}" for name in vocabulary.MARTS)
RAW_TABLES = ("raw.users", "raw.events")

QUERY = "from training_dataset select churn_label, count(*) group by all"


@dataclass(frozen=True)
class Summary:
    """Rows, churn and version of one warehouse."""

    warehouse: str
    dataset_version: str
    first_day: str | None
    last_day: str | None
    rows: dict[str, int]
    """Rows of each table."""
    realised_churn_rate: float | None
    """Share of simulated users who churn within the window; None for real data."""
    label_rate: float | None
    """Share of training rows with churn_label 1; None before a build or without rows."""

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as JSON-ready values."""
        return asdict(self)


def check_built(con: Connection, warehouse: Path) -> None:
    """Raise when a mart is not there."""
    for name in MARTS:
        if not has_table(con, name):
            raise ElearnError(f"{warehouse}: {name} is not there; run `elearn build` first")


def has_changes(con: Connection) -> bool:
    """Tell whether a user changed; an older warehouse has no table of it."""
    return has_table(con, USER_CHANGES.name) and bool(_number(con, "count(*)", USER_CHANGES.name))


def summarise(con: Connection, warehouse: Path, private: PrivateFile, *, is_built: bool) -> Summary:
    """Read the summary of an open warehouse, of its marts only when they are up to date."""
    last = last_load(con)
    assert last is not None
    changes = (USER_CHANGES.name,) if has_changes(con) else ()
    tables = RAW_TABLES + changes + (MARTS if is_built else ())
    rows = {name: _number(con, "count(*)", name) for name in tables}
    return Summary(
        warehouse=str(warehouse),
        dataset_version=last["dataset_version"],
        first_day=_day(last["first_day"]),
        last_day=_day(last["last_day"]),
        rows={name: int(count or 0) for name, count in rows.items()},
        realised_churn_rate=_churn_rate(private),
        label_rate=_label_rate(con) if is_built else None,
    )


def as_lines(summary: Summary, published: Path | None = None) -> list[str]:
    """Return the summary as lines for a terminal, with where readers look when that is known."""
    lines = [f"{name:<28}{count:>14,} rows" for name, count in summary.rows.items()]
    lines.append(f"{'days':<28}{days_text(summary.first_day, summary.last_day)}")
    if summary.realised_churn_rate is not None:
        lines.append(f"{'realised churn rate':<28}{summary.realised_churn_rate:.4f} of users")
    if summary.label_rate is not None:
        lines.append(f"{'churn_label = 1':<28}{summary.label_rate:.4f} of training rows")
    lines.append(f"{'dataset version':<28}{summary.dataset_version}")
    lines.append(f"{'warehouse':<28}{summary.warehouse}")
    if published is not None:
        lines.append(f"{'published':<28}{published}")
        lines.append(f'{"try":<28}duckdb -readonly {quote(str(published))} "{QUERY}"')
    return lines


def days_text(first_day: str | None, last_day: str | None) -> str:
    """Return the observation window in words."""
    return "none, there are no events" if first_day is None else f"{first_day} to {last_day}"


def _churn_rate(private: PrivateFile) -> float | None:
    if not private.has(TRUTH):
        return None
    [(rate,)] = private.rows(f"select count(churn_date) / count(*) from {TRUTH.name}")
    return float(rate)


def _label_rate(con: Connection) -> float | None:
    return _number(con, "avg(churn_label)", "main.training_dataset")


def _number(con: Connection, expression: str, table: str) -> float | None:
    [value] = one_row(con, f"select {expression} from {table}")
    return None if value is None else float(value)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
