"""What one simulation depends on: names, defaults and permitted ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, timedelta
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from generator.errors import UsageError, first_line, not_allowed
from generator.vocabulary import FIRST_DATE, LAST_DATE


def _about(text: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """Return what options, messages and documentation say of a setting."""
    return {"about": text, "low": low, "high": high}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one simulation; every user's history is a function of these and the user's id.

    Raises
    ------
    UsageError
        Names the field, the value and the permitted range.
    """

    # user_id is a 32-bit integer in the warehouse, the seed a 64-bit one in its load history; more
    # days, with their signups, do not fit into 1970..2099.
    n_users: int = field(default=1000, metadata=_about("Number of users", 1, 2**31 - 1))
    days: int = field(default=180, metadata=_about("Number of days", 1, 35_612))
    start_date: date = field(default=date(2025, 1, 1), metadata=_about("First day"))
    seed: int = field(default=42, metadata=_about("Seed of every random stream", 0, 2**63 - 1))
    paid_ratio: float = field(
        default=0.3, metadata=_about("Share of users on the paid plan at signup", 0, 1)
    )
    churn_base_rate: float = field(
        default=0.25,
        metadata=_about("Churn probability of a free user with engagement 0", 0, 1),
    )
    upgrade_rate: float = field(
        default=0.0, metadata=_about("Share of free users who draw a day to become paid", 0, 1)
    )
    treatment_ratio: float = field(
        default=0.0,
        metadata=_about("Share of users in the treatment group; 0 is no experiment", 0, 1),
    )
    treatment_lift: float = field(
        default=0.0, metadata=_about("Relative change of a treated user's engagement", -1, 10)
    )

    def __post_init__(self) -> None:
        for name in DEFAULTS:
            if name != "start_date":
                # the dataclass is frozen for everybody else
                object.__setattr__(self, name, _checked(name, getattr(self, name)))
        self._check_window()

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
    def has_upgrades(self) -> bool:
        """Whether free users may become paid."""
        return self.upgrade_rate > 0

    @property
    def has_experiment(self) -> bool:
        """Whether users are randomised into a control and a treatment group."""
        return self.treatment_ratio > 0

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values, in the order of their definition."""
        return {**asdict(self), "start_date": self.start_date.isoformat()}

    @classmethod
    def from_text(cls, others: Settings | None = None, **texts: str | None) -> Settings:
        """Build settings from the texts of command-line options.

        Parameters
        ----------
        others
            Gives the settings whose text is None; the defaults when None itself.
        texts
            A text, or None, by the names of settings.
        """
        given = {name: _parse(name, text) for name, text in texts.items() if text is not None}
        return replace(others or cls(), **given)

    @classmethod
    def from_file(cls, path: Path) -> Settings:
        """Build settings from a TOML file with any of them by name, such as ``days = 365``.

        Raises
        ------
        UsageError
            The file cannot be read, or the line of the fault in it: one line that names the file.
        """
        import tomllib  # noqa: PLC0415  # few calls need it

        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
            for name in given:
                if name not in DEFAULTS:
                    raise not_allowed("setting", name, f"one of {', '.join(DEFAULTS)}")
            return cls(**given)
        except (OSError, ValueError, UsageError) as error:  # TOML's and UTF-8's are ValueErrors
            why = error.strerror if isinstance(error, OSError) else first_line(error)
            raise UsageError(f"{path}: {why}") from error


ABOUT: dict[str, Mapping[str, Any]] = {given.name: given.metadata for given in fields(Settings)}
DEFAULTS: dict[str, Any] = {given.name: given.default for given in fields(Settings)}


def range_of(name: str) -> str:
    """Return the range of a setting in words, such as "0 to 1"."""
    if name == "start_date":
        return f"signups and days within {FIRST_DATE.year} to {LAST_DATE.year}"
    return f"{ABOUT[name]['low']} to {ABOUT[name]['high']}"


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
        return type(DEFAULTS[name])(text)
    except ValueError:
        raise not_allowed(name, text, _allowed(name)) from None


def _allowed(name: str) -> str:
    return f"a {'whole ' * _is_whole(name)}number from {range_of(name)}"


def _is_whole(name: str) -> bool:
    return isinstance(DEFAULTS[name], int)


def _checked(name: str, value: Any) -> float:
    is_number = isinstance(value, Integral if _is_whole(name) else Real)
    low, high = ABOUT[name]["low"], ABOUT[name]["high"]
    # "not low <= value" is also true of nan
    if not is_number or isinstance(value, bool) or not low <= value <= high:
        raise not_allowed(name, value, _allowed(name))
    return int(value) if _is_whole(name) else float(value)
