"""What one load did, for people and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from generator.loader.outcomes import outcomes
from generator.loader.staging import Staging
from generator.warehouse.summary import days_text


@dataclass(frozen=True)
class LoadReport:
    """What one load did: rows read = loaded + repeated + ignored + rejected, for both tables."""

    load_id: int
    users_read: int
    users_loaded: int
    users_repeated: int
    users_ignored: int
    users_rejected: int
    events_read: int
    events_loaded: int
    events_repeated: int
    events_ignored: int
    events_rejected: int
    users_created: int
    """Users that come from events alone."""
    dataset_version: str
    first_day: str | None
    last_day: str | None
    warnings: tuple[str, ...] = ()

    @property
    def rejected(self) -> int:
        """Rows of both tables that are rejected."""
        return self.users_rejected + self.events_rejected

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self) | {"rejected": self.rejected, "warnings": list(self.warnings)}

    def as_lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        created = f", {self.users_created:,} created from events" if self.users_created else ""
        lines = [
            rows_line("users", self.as_dict()) + created,
            rows_line("events", self.as_dict()),
            f"{'days':<28}{days_text(self.first_day, self.last_day)}",
            f"{'dataset version':<28}{self.dataset_version}",
            f"{'load':<28}{self.load_id:>14,}",
        ]
        if self.rejected:
            lines.insert(2, f"{'rejected_rows':<28}{self.rejected:>14,} rows rejected")
        return lines + [f"warning: {warning}" for warning in self.warnings]


def rows_line(label: str, counts: Mapping[str, Any]) -> str:
    """Return what became of the rows of a table."""
    line = f"{label:<28}{counts[f'{label}_loaded']:>14,} of {counts[f'{label}_read']:,} rows loaded"
    others = ((outcome, counts[f"{label}_{outcome}"]) for outcome in ("repeated", "ignored"))
    return line + "".join(f", {rows:,} {outcome}" for outcome, rows in others if rows)


def row_counts(users: Staging, events: Staging) -> dict[str, int]:
    """Return what became of the rows of both tables, by the names of the report's fields."""
    counts = {
        f"{staging.label}_{outcome}": rows
        for staging in (users, events)
        for outcome, rows in outcomes(staging).items()
    }
    return counts | {"users_created": users.created_rows}
