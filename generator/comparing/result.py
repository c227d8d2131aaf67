"""What a comparison found, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from generator.comparing.sides import About
from generator.warehouse.tables import ASSIGNMENTS, USER_CHANGES

LABELS = "main.churn_labels"
NEED_NOT_BE = (USER_CHANGES.name, ASSIGNMENTS.name)
"""Tables that a file without such rows may lack."""
NOTHING = "-"


class Flips(NamedTuple):
    """Labels of rows that both files have, and that differ."""

    from_0_to_1: int
    from_1_to_0: int


@dataclass(frozen=True)
class TableResult:
    """How the rows of one table differ, by key."""

    name: str
    rows_a: int
    rows_b: int
    added: int
    """Rows that only B has."""
    removed: int
    """Rows that only A has."""
    changed: int
    """Rows that both have, with other values."""
    columns: dict[str, int]
    """In how many of the changed rows a column differs; those that differ in none are left out."""
    labels_flipped: Flips | None
    first_day: str | None
    """First day that a differing row is about."""
    last_day: str | None
    is_in: tuple[bool, bool]
    """Whether A and B have the table."""
    only_in: tuple[tuple[str, ...], tuple[str, ...]]
    """Columns that only A has, and that only B has."""
    retyped: dict[str, tuple[str, str]]
    """Columns of another type, with that of A and that of B."""

    @property
    def differing_rows(self) -> int:
        """Number of rows that differ."""
        return self.added + self.removed + self.changed

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs; a table that need not be is empty where it is not."""
        is_in_both = all(self.is_in) or self.name in NEED_NOT_BE
        return not self.differing_rows and is_in_both and not any(self.only_in) and not self.retyped

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        flips = self.labels_flipped._asdict() if self.labels_flipped else None
        is_in = dict(zip("ab", self.is_in, strict=True))
        only_in = dict(zip("ab", self.only_in, strict=True))
        said = asdict(self) | {"labels_flipped": flips, "is_in": is_in, "columns_only_in": only_in}
        return {name: value for name, value in said.items() if name not in {"name", "only_in"}}

    def notes(self) -> Iterator[str]:
        """Yield what the counts of rows do not say."""
        for there, letter in zip(self.is_in, "AB", strict=True):
            if not there:
                yield f"not in {letter}"
        for names, letter in zip(self.only_in, "AB", strict=True):
            if names:
                yield f"columns only in {letter}: {', '.join(names)}"
        for name, (old, new) in self.retyped.items():
            yield f"{name} is {old} in A, {new} in B"
        if self.columns:
            counts = sorted(self.columns.items(), key=lambda item: (-item[1], item[0]))
            yield "changed: " + ", ".join(f"{name} {count:,}" for name, count in counts)


@dataclass(frozen=True)
class Comparison:
    """Two files side by side."""

    a: About
    b: About
    tables: tuple[TableResult, ...]

    @property
    def is_equal(self) -> bool:
        """Whether raw and all marts are equal, to the bit."""
        return all(table.is_equal for table in self.tables)

    @property
    def labels_flipped(self) -> Flips:
        """The labels that flipped, each user-day once."""
        flips = [table.labels_flipped for table in self.tables if table.name == LABELS]
        return next((found for found in flips if found), Flips(0, 0))

    @property
    def days(self) -> tuple[str | None, str | None]:
        """First and last day that a differing row is about."""
        return (
            min((table.first_day for table in self.tables if table.first_day), default=None),
            max((table.last_day for table in self.tables if table.last_day), default=None),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready values."""
        first_day, last_day = self.days
        return {
            "equal": self.is_equal,
            "tables": {table.name: table.as_dict() for table in self.tables},
            "labels_flipped": sum(self.labels_flipped),
            "first_day": first_day,
            "last_day": last_day,
            "a": self.a.as_dict(),
            "b": self.b.as_dict(),
        }

    def as_lines(self) -> list[str]:
        """Return the comparison as lines for a terminal."""
        header = ["table", "rows in A", "rows in B", "added", "removed", "changed", "days"]
        lines = [_row(header)]
        for table in self.tables:
            counts = (table.rows_a, table.rows_b, table.added, table.removed, table.changed)
            days = f"{table.first_day} to {table.last_day}" if table.first_day else NOTHING
            lines.append(_row([table.name, *(f"{count:,}" for count in counts), days]))
            lines += [f"    {note}" for note in table.notes()]
        flips = self.labels_flipped
        if sum(flips):
            lines.append(
                f"{'labels flipped':<28}{sum(flips):>14,} ({flips.from_0_to_1:,} from 0 to 1,"
                f" {flips.from_1_to_0:,} from 1 to 0)"
            )
        return [*lines, "", *self._side_by_side(), "", self._verdict()]

    def _side_by_side(self) -> list[str]:
        facts = [("file", self.a.path, self.b.path)]
        facts.append(("dataset version", self.a.dataset_version, self.b.dataset_version))
        for kind in ("build", "variables"):
            of_a, of_b = getattr(self.a, kind), getattr(self.b, kind)
            for name in {**of_a, **of_b}:
                if name != "dataset_version":
                    facts.append((name, _text(of_a.get(name)), _text(of_b.get(name))))
        for number in range(max(len(self.a.loads), len(self.b.loads))):
            of_a, of_b = (_load_text(about.loads, number) for about in (self.a, self.b))
            facts.append((f"load {number + 1}", of_a, of_b))
        width = max(len(text) for _, text, _ in facts)
        lines = [("", "A", "B"), *facts]
        return [f"{name:<28}{one:<{width}}  {other}".rstrip() for name, one, other in lines]

    def _verdict(self) -> str:
        differing = [table.name for table in self.tables if not table.is_equal]
        if not differing:
            return f"equal: all {len(self.tables)} tables"
        return f"different: {len(differing)} of {len(self.tables)} tables"


def _row(cells: list[str]) -> str:
    name, *counts, days = cells
    return f"{name:<28}" + "".join(f"{count:>12}" for count in counts) + f"  {days}"


def _text(value: Any) -> str:
    return NOTHING if value is None else str(value)


def _load_text(loads: list[dict[str, Any]], number: int) -> str:
    if number >= len(loads):
        return NOTHING
    load = loads[number]
    return f"{load['loaded_at'][:16]} {load['kind']}, {load['event_rows']:,} events"
