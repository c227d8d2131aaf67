"""What a label asks, by the vars of the build."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from generator.warehouse.build_info import read_vars
from generator.warehouse.file import Connection


class Question(NamedTuple):
    """The vars that say what churn_label and the rows of the datasets mean."""

    label_window_days: int
    label_gap_days: int
    eligible_within_days: int
    include_inactive_users: bool

    @property
    def window(self) -> str:
        """Where the label window lies, in words that go before the name of a day."""
        if self.label_gap_days:
            last = self.label_gap_days + self.label_window_days
            return f"from {self.label_gap_days + 1} to {last} days after"
        return f"in the {self.label_window_days} days after"

    @property
    def eligibility(self) -> str:
        """Whose rows the datasets hold, in words that follow a user and a day."""
        if self.include_inactive_users:
            return "active before or not"
        if self.eligible_within_days == 1:
            return "active on that day"
        return f"active on one of the {self.eligible_within_days} days up to it"


def read_question(con: Connection, warehouse: Path) -> Question:
    """Return what the labels of a warehouse, or of a published copy, ask."""
    given = read_vars(con, warehouse)
    return Question(*(given[name] for name in Question._fields))
