"""What one erasure did, for people and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from generator.warehouse.summary import days_text


@dataclass(frozen=True)
class ErasureReport:
    """What one erasure took away, or would take away."""

    users: int
    """Users who were named and are there."""
    events: int
    """Events that were named and are there."""
    unknown: int
    """What was named and is not there."""
    rows: dict[str, int]
    """Rows that go, by table; each where there are any."""
    own_tables: tuple[str, ...]
    """Tables of a person's own with a user_id, which keep their rows."""
    touched: tuple[date | None, date | None]
    """First and last day that change."""
    load_id: int | None = None
    """None of a dry run, as what follows."""
    dataset_version: str | None = None
    first_day: str | None = None
    last_day: str | None = None

    def after(self, load: Mapping[str, Any]) -> ErasureReport:
        """Return the report of an erasure that stands in the load history."""
        first, last = load["first_day"], load["last_day"]
        return replace(
            self,
            load_id=load["load_id"],
            dataset_version=load["dataset_version"],
            first_day=None if first is None else str(first),
            last_day=None if last is None else str(last),
        )

    @property
    def dry_run(self) -> bool:
        """Whether nothing was changed."""
        return self.load_id is None

    @property
    def counts(self) -> dict[str, Any]:
        """What the load history says of it."""
        return {name: getattr(self, name) for name in ("users", "events", "unknown", "rows")}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        touched = [None if day is None else str(day) for day in self.touched]
        more = {"own_tables": list(self.own_tables), "dry_run": self.dry_run}
        return asdict(self) | {"touched": touched} | more

    def as_lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        verb = "would go" if self.dry_run else "erased"
        what, number = ("events", self.events) if self.events else ("users", self.users)
        unknown = f", {self.unknown:,} unknown" if self.unknown else ""
        lines = [f"{what:<28}{number:>14,} {verb}{unknown}"]
        lines += [f"{table:<28}{rows:>14,} rows {verb}" for table, rows in self.rows.items()]
        lines += [
            f"{table:<28} a table of your own with a user_id, not touched"
            for table in self.own_tables
        ]
        if self.dry_run:
            return lines
        return [
            *lines,
            f"{'days':<28}{days_text(self.first_day, self.last_day)}",
            f"{'dataset version':<28}{self.dataset_version}",
            f"{'load':<28}{self.load_id:>14,}",
            "the next build publishes without them: run `elearn build --no-generate`",
        ]
