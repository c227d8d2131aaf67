"""The answers of the analyses once more, in plain loops over raw rows; no mart is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import pandas as pd
from scipy import stats

from tests.dbt.judge import ENGAGEMENT

WINDOW = 30


@dataclass(frozen=True)
class Day:
    """One user on one day."""

    user_id: int
    day: date
    is_active: bool
    days_away: int
    """Days since the last active day, or since the signup."""
    active_30d: int
    has_churned: bool | None
    """Whether the user stays away for the label window; None where it is not observed."""


class Answers:
    """What a data set says, from its users and events."""

    def __init__(self, users: pd.DataFrame, events: pd.DataFrame) -> None:
        self.users = users.set_index("user_id", drop=False)
        self.events = events.assign(day=[time.date() for time in events.event_time])
        self.first_day, self.last_day = self.events.day.min(), self.events.day.max()
        self.active: dict[int, set[date]] = {user_id: set() for user_id in self.users.index}
        for event in self.events[self.events.event_type.isin(ENGAGEMENT)].itertuples():
            self.active[event.user_id].add(event.day)

    def days(self, user_id: int) -> list[date]:
        """The days of one user in the observation window."""
        first = max(self.users.signup_date[user_id], self.first_day)
        return [first + timedelta(number) for number in range((self.last_day - first).days + 1)]

    @cached_property
    def observed(self) -> dict[int, bool]:
        """Whether each user has churned, of those active early enough to tell."""
        border = self.last_day - timedelta(WINDOW)
        return {
            user_id: max(days) <= border
            for user_id, days in self.active.items()
            if days and min(days) <= border
        }

    @cached_property
    def user_days(self) -> list[Day]:
        return [
            self.user_day(user_id, day)
            for user_id in self.users.index
            for day in self.days(user_id)
        ]

    def user_day(self, user_id: int, day: date) -> Day:
        active = self.active[user_id]
        last = max((seen for seen in active if seen <= day), default=None)
        ahead = {day + timedelta(number) for number in range(1, WINDOW + 1)}
        behind = {day - timedelta(number) for number in range(WINDOW)}
        return Day(
            user_id,
            day,
            day in active,
            (day - (last or self.users.signup_date[user_id])).days,
            len(active & behind),
            None if max(ahead) > self.last_day else not active & ahead,
        )

    @cached_property
    def training(self) -> list[Day]:
        return [day for day in self.user_days if day.has_churned is not None and day.active_30d]

    def churn_rate(self, chosen: Callable[[Day], bool]) -> float | None:
        return mean([day.has_churned for day in self.training if chosen(day)])

    def days_to_end(self, user_id: int, day: date, known_on: date) -> tuple[int, int] | None:
        """Days from a user-day to the churn, 1, or to where it is censored, 0; as known on a day.

        None after the churn, and where nothing is known yet.
        """
        last = max(seen for seen in self.active[user_id] if seen <= day)
        for seen in sorted(self.active[user_id]):
            if seen <= known_on and last < seen <= last + timedelta(WINDOW):
                last = seen
        churn, border = last + timedelta(1), known_on - timedelta(WINDOW - 1)
        end = min(churn, border)
        return ((end - day).days, int(churn <= border)) if day < end else None

    @cached_property
    def days_of_events(self) -> dict[tuple[int, str], list[date]]:
        found: dict[tuple[int, str], list[date]] = defaultdict(list)
        for event in self.events.itertuples():
            found[event.user_id, event.event_type].append(event.day)
        return found

    def count(self, user_id: int, event_type: str, last: date, days: int) -> int:
        """Events of a type in so many days up to a day."""
        seen = self.days_of_events[user_id, event_type]
        return sum(last - timedelta(days) < day <= last for day in seen)

    def at_risk(self, days_away: int) -> bool:
        """Whether users last seen so long ago churned at least twice as often as all."""
        rate = self.churn_rate(lambda day: band(day.days_away) == band(days_away))
        overall = self.churn_rate(lambda day: True)
        assert rate is not None
        assert overall is not None
        return rate >= 2 * overall


def band(days_away: int) -> int:
    return max(first for first in (0, 1, 2, 3, 7, 14, 30) if first <= days_away)


def mean(values: list) -> float | None:
    return sum(values) / len(values) if values else None


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's interval at 1.96 standard deviations, by SciPy."""
    level = 1 - 2 * stats.norm.sf(1.96)
    interval = stats.binomtest(hits, trials).proportion_ci(level, method="wilson")
    return interval.low, interval.high
