"""The naive judge: every column of every mart again, from the data contract alone.

Plain loops over users and days, sums as fractions; slow, and too simple to be wrong in the way a
window function can be. It shares no code with the dbt project.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

ENGAGEMENT = ("login", "course_enroll", "video_watch", "quiz_attempt")

Row = dict[str, object]


class User(NamedTuple):
    """A row of raw.users."""

    user_id: int
    signup_date: date
    plan: str
    is_paid: int
    country: str
    marketing_source: str
    engagement_score: float | None


class Event(NamedTuple):
    """A row of raw.events."""

    event_id: int
    user_id: int
    event_time: datetime
    event_type: str
    event_date: date
    course_name: str | None = None
    watch_minutes: float | None = None
    quiz_score: float | None = None
    amount: float | None = None


class UserChange(NamedTuple):
    """A row of raw.user_changes."""

    user_id: int
    valid_from: date
    plan: str
    is_paid: int
    country: str
    marketing_source: str


class World(NamedTuple):
    """What the raw tables hold."""

    users: tuple[User, ...]
    events: tuple[Event, ...]
    changes: tuple[UserChange, ...] = ()


@dataclass(frozen=True)
class Vars:
    """The vars of the dbt project, with the contract's defaults."""

    first_day: date | None = None
    last_day: date | None = None
    label_window_days: int = 30
    label_gap_days: int = 0
    eligible_within_days: int = 30
    engagement_event_types: tuple[str, ...] = ENGAGEMENT
    include_inactive_users: bool = False


def judge(world: World, given: Vars) -> dict[str, list[Row]]:
    """Return the rows of the marts by their names, columns in order."""
    window = observation_window(world.events, given)
    daily, features, labels, periods, eligible = [], [], [], [], set()
    if window is not None:
        for user in world.users:
            history = History(user, world, window, given)
            daily += [history.daily(day) for day in history.days]
            features += [history.features(day) for day in history.days]
            labels += [history.label(day) for day in history.days if history.is_observed(day)]
            periods += history.periods(window[0])
            eligible |= {(user.user_id, day) for day in history.days if history.is_eligible(day)}
    candidates = [row for row in features if (row["user_id"], row["as_of_date"]) in eligible]
    return {
        "user_daily": daily,
        "user_features_daily": features,
        "churn_labels": labels,
        "training_dataset": training(candidates, labels),
        "training_splits": splits(labels, given),
        "scoring_dataset": scoring(candidates, window),
        "activity_periods": periods,
    }


def observation_window(events: Iterable[Event], given: Vars) -> tuple[date, date] | None:
    """Return the first and the last day, None without any event."""
    dates = [event.event_date for event in events]
    if not dates:
        return None
    return given.first_day or min(dates), given.last_day or max(dates)


class History:
    """One user's observed days."""

    def __init__(self, user: User, world: World, window: tuple[date, date], given: Vars) -> None:
        self.user, self.given, self.last_day = user, given, window[1]
        self.days = days_between(max(user.signup_date, window[0]), self.last_day)
        self.events: dict[date, list[Event]] = defaultdict(list)
        for event in world.events:
            if event.user_id == user.user_id:
                self.events[event.event_date].append(event)
        self.changes = [change for change in world.changes if change.user_id == user.user_id]

    def attributes(self, day: date) -> User | UserChange:
        """Return the row that says what the user is on a day."""
        until = [change for change in self.changes if change.valid_from <= day]
        return max(until, key=lambda change: change.valid_from) if until else self.user

    def is_active(self, day: date) -> int:
        types = self.given.engagement_event_types
        return int(any(event.event_type in types for event in self.events[day]))

    def daily(self, day: date) -> Row:
        user, events, known = self.user, self.events[day], self.attributes(day)
        return {
            "user_id": user.user_id,
            "as_of_date": day,
            "signup_date": user.signup_date,
            "days_since_signup": (day - user.signup_date).days,
            "plan": known.plan,
            "is_paid": known.is_paid,
            "country": known.country,
            "marketing_source": known.marketing_source,
            "is_active_day": self.is_active(day),
            "total_events": len(events),
            "logins_count": count(events, "login"),
            "enroll_count": count(events, "course_enroll"),
            "watch_minutes_sum": watch_minutes(events),
            "quiz_attempts_count": count(events, "quiz_attempt"),
            "quiz_avg_score": quiz_mean(events),
            "payment_success_count": count(events, "payment_success"),
            "payment_failed_count": count(events, "payment_failed"),
            "support_ticket_count": count(events, "support_ticket"),
            "video_watch_count": count(events, "video_watch"),
            "amount_paid_sum": amount_paid(events),
        }

    def features(self, day: date) -> Row:
        row = self.daily(day)
        for width in (7, 14, 30):
            row |= self.window_features(day, width)
        failed, succeeded = row["payment_failed_30d"], row["payment_success_30d"]
        row["payment_fail_rate_30d"] = ratio(failed, failed + succeeded, otherwise=0.0)
        row["days_since_last_activity"] = self.days_since_last_activity(day)
        return row

    def window_features(self, day: date, width: int) -> Row:
        days = [back for back in self.days if day - timedelta(days=width) < back <= day]
        events = [event for back in days for event in self.events[back]]
        return {
            f"active_days_{width}d": sum(self.is_active(back) for back in days),
            f"events_{width}d": len(events),
            f"logins_{width}d": count(events, "login"),
            f"enroll_{width}d": count(events, "course_enroll"),
            f"watch_minutes_{width}d": watch_minutes(events),
            f"quiz_attempts_{width}d": count(events, "quiz_attempt"),
            f"quiz_avg_score_{width}d": quiz_mean(events),
            f"payment_success_{width}d": count(events, "payment_success"),
            f"payment_failed_{width}d": count(events, "payment_failed"),
            f"support_ticket_{width}d": count(events, "support_ticket"),
        }

    def days_since_last_activity(self, day: date) -> int:
        active = [back for back in self.days if back <= day and self.is_active(back)]
        return (day - (max(active) if active else self.user.signup_date)).days

    def is_observed(self, day: date) -> bool:
        return self.label_window(day)[-1] <= self.last_day

    def label_window(self, day: date) -> list[date]:
        end_of_gap = day + timedelta(days=self.given.label_gap_days)
        width = self.given.label_window_days
        return [end_of_gap + timedelta(days=number) for number in range(1, width + 1)]

    def is_eligible(self, day: date) -> bool:
        first = day - timedelta(days=self.given.eligible_within_days - 1)
        was_active = any(self.is_active(back) for back in self.days if first <= back <= day)
        return self.given.include_inactive_users or was_active

    def label(self, day: date) -> Row:
        active = sum(self.is_active(later) for later in self.label_window(day))
        return {
            "user_id": self.user.user_id,
            "as_of_date": day,
            "future_active_days": active,
            "churn_label": 1 if active == 0 else 0,
        }

    def periods(self, first_day: date) -> list[Row]:
        groups: list[list[date]] = []
        for day in (day for day in self.days if self.is_active(day)):
            if not groups or (day - groups[-1][-1]).days - 1 >= self.given.label_window_days:
                groups.append([])
            groups[-1].append(day)
        return [self.period(number, days, first_day) for number, days in enumerate(groups, start=1)]

    def period(self, number: int, active: list[date], first_day: date) -> Row:
        width = timedelta(days=self.given.label_window_days)
        may_have_begun_earlier = self.user.signup_date < first_day and active[0] < first_day + width
        churn_date = active[-1] + timedelta(days=1)
        last_churn_day = self.last_day - width + timedelta(days=1)
        is_observed = churn_date <= last_churn_day
        end = churn_date if is_observed else last_churn_day
        known = self.attributes(active[0])
        return {
            "user_id": self.user.user_id,
            "period_number": number,
            "period_start": active[0],
            "last_active_day": active[-1],
            "active_days": len(active),
            "churn_date": churn_date if is_observed else None,
            "churn_observed": int(is_observed),
            "duration_days": (end - active[0]).days if active[0] < end else None,
            "started_before_window": int(may_have_begun_earlier),
            "plan": known.plan,
            "country": known.country,
            "marketing_source": known.marketing_source,
        }


def training(candidates: list[Row], labels: list[Row]) -> list[Row]:
    found = {(row["user_id"], row["as_of_date"]): row["churn_label"] for row in labels}
    keyed = [(row, (row["user_id"], row["as_of_date"])) for row in candidates]
    return [row | {"churn_label": found[key]} for row, key in keyed if key in found]


def scoring(candidates: list[Row], window: tuple[date, date] | None) -> list[Row]:
    return [row for row in candidates if row["as_of_date"] == window[1]]


def splits(labels: list[Row], given: Vars) -> list[Row]:
    days = sorted({row["as_of_date"] for row in labels})
    if not days:
        return []
    first_test_day = days[-max(1, len(days) // 5)]
    embargo_days = given.label_gap_days + given.label_window_days
    first_embargo_day = first_test_day - timedelta(days=embargo_days)
    return [
        {
            "as_of_date": day,
            "split": "test"
            if day >= first_test_day
            else "embargo"
            if day >= first_embargo_day
            else "train",
        }
        for day in days
    ]


def days_between(first_day: date, last_day: date) -> list[date]:
    """Return the days from the first to the last, none when the first is after the last."""
    return [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]


def count(events: list[Event], event_type: str) -> int:
    return sum(event.event_type == event_type for event in events)


def measures(events: list[Event], event_type: str, measure: str) -> list[Fraction]:
    """Return the non-null values as the decimals they were written as."""
    values = [getattr(event, measure) for event in events if event.event_type == event_type]
    return [Fraction(repr(value)) for value in values if value is not None]


def watch_minutes(events: list[Event]) -> float:
    return float(sum(measures(events, "video_watch", "watch_minutes"), Fraction(0)))


def amount_paid(events: list[Event]) -> float:
    return float(sum(measures(events, "payment_success", "amount"), Fraction(0)))


def quiz_mean(events: list[Event]) -> float | None:
    scores = measures(events, "quiz_attempt", "quiz_score")
    return ratio(sum(scores, Fraction(0)), len(scores), otherwise=None)


def ratio(part: Fraction | int, whole: int, otherwise: float | None) -> float | None:
    return float(Fraction(part) / whole) if whole else otherwise
