"""What one simulation depends on: names, defaults and permitted ranges."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from numbers import Integral, Real
from typing import Any

from generator.errors import not_allowed
from generator.vocabulary import FIRST_DATE, LAST_DATE

# Smallest and largest value of each number. user_id is a 32-bit integer in the warehouse, the
# seed a 64-bit one in its load history; more days, with their signups, do not fit into 1970..2099.
WHOLE_NUMBERS: dict[str, tuple[int, int]] = {
    "n_users": (1, 2**31 - 1),
    "days": (1, 35_612),
    "seed": (0, 2**63 - 1),
}
NUMBERS: dict[str, tuple[float, float]] = {
    "paid_ratio": (0, 1),
    "churn_base_rate": (0, 1),
    "treatment_ratio": (0, 1),
    "treatment_lift": (-1, 10),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one simulation; every user's history is a function of these and the user's id.

    Parameters
    ----------
    n_users
        How many users, numbered from 1.
    days
        Length of the simulated window in days.
    start_date
        First day of the window.
    seed
        Seed of every random stream.
    paid_ratio
        Probability that a user is on the paid plan.
    churn_base_rate
        Churn probability of a free user with engagement 0.
    treatment_ratio
        Share of users randomised into the treatment group; 0 means no experiment.
    treatment_lift
        Relative change of a treated user's engagement.

    Raises
    ------
    UsageError
        Names the field, the value and the permitted range.
    """

    n_users: int = 1000
    days: int = 180
    start_date: date = date(2025, 1, 1)
    seed: int = 42
    paid_ratio: float = 0.3
    churn_base_rate: float = 0.25
    treatment_ratio: float = 0.0
    treatment_lift: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in WHOLE_NUMBERS.items():
            self._set(name, _checked_whole_number(name, getattr(self, name), low, high))
        for name, (least, most) in NUMBERS.items():
            self._set(name, _checked_number(name, getattr(self, name), least, most))
        self._check_window()

    def _set(self, name: str, value: float) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen for everybody else

    def _check_window(self) -> None:
        if type(self.start_date) is not date:
            raise not_allowed("start_date", self.start_date, "a datetime.date")
        earliest = FIRST_DATE + timedelta(days=self.signup_spread_days - 1)
        latest = LAST_DATE - timedelta(days=self.days - 1)
        if not earliest <= self.start_date <= latest:
            raise not_allowed(
                "start_date",
                self.start_date,
                f"a date from {earliest} to {latest} for {self.days} days",
            )

    @property
    def signup_spread_days(self) -> int:
        """Number of days before and including start_date on which users signed up."""
        return max(30, self.days // 3)

    @property
    def last_date(self) -> date:
        """Last day of the window."""
        return self.start_date + timedelta(days=self.days - 1)

    @property
    def has_experiment(self) -> bool:
        """Whether users are randomised into a control and a treatment group."""
        return self.treatment_ratio > 0

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values, in the order of their definition."""
        return {**asdict(self), "start_date": self.start_date.isoformat()}

    @classmethod
    def from_text(cls, **texts: str | None) -> Settings:
        """Build settings from the texts of command-line options; None means the default."""
        given = {name: _parse(name, text) for name, text in texts.items() if text is not None}
        return cls(**given)


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Settings)}


def parse_date(field: str, text: str) -> date:
    """Return the calendar date of a text such as 2025-01-31."""
    try:
        # fromisoformat also takes 20250131 and 2025-W05-5
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise not_allowed(field, text, "a calendar date such as 2025-01-31")


def _parse(name: str, text: str) -> Any:
    if name == "start_date":
        return parse_date(name, text)
    try:
        return int(text) if name in WHOLE_NUMBERS else float(text)
    except ValueError:
        raise not_allowed(name, text, _allowed(name)) from None


def _allowed(name: str) -> str:
    if name in WHOLE_NUMBERS:
        return "a whole number from {} to {}".format(*WHOLE_NUMBERS[name])
    return "a number from {} to {}".format(*NUMBERS[name])


def _checked_whole_number(name: str, value: Any, low: int, high: int) -> int:
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or not low <= value <= high:
        raise not_allowed(name, value, _allowed(name))
    return int(value)


def _checked_number(name: str, value: Any, low: float, high: float) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # "not low <= value" is also true of nan
        raise not_allowed(name, value, _allowed(name))
    return float(value)
