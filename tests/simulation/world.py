"""One simulated world, and the arithmetic that turns a share into a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from generator import Settings
from generator.simulation import simulate_blocks
from generator.simulation.rows import joined

# Two-sided tail of 5 standard deviations: one false alarm in 1.7 million independent checks, so
# that all checks of the suite together raise one in thousands of seeds.
LIMIT_SIGMAS = 5.0
LIMIT_P = 2 * stats.norm.sf(LIMIT_SIGMAS)
ENGAGEMENT = ["login", "course_enroll", "video_watch", "quiz_attempt"]
LEARNING = ENGAGEMENT[1:]


@dataclass(frozen=True)
class World:
    """Rows of one simulation, with what only the simulator knows."""

    settings: Settings
    users: pd.DataFrame
    """raw.users joined with truth.users, indexed by user_id; days count from start_date, and
    ``paid_from`` is that of the signup or the upgrade of those who are ever paid."""
    events: pd.DataFrame
    """raw.events with ``day`` (from start_date) and ``second`` (from midnight)."""
    changes: pd.DataFrame
    """raw.user_changes with ``day`` (from start_date)."""

    @classmethod
    def simulate(cls, settings: Settings) -> World:
        tables = joined(simulate_blocks(settings, workers=2))
        users, truth, events, changes = (
            tables[name].to_pandas(date_as_object=False)
            for name in ("raw.users", "truth.users", "raw.events", "raw.user_changes")
        )
        users = users.merge(truth, on="user_id").set_index("user_id", drop=False)
        start = pd.Timestamp(settings.start_date)
        users["signup_day"] = (users.signup_date - start).dt.days
        users["churn_day"] = (users.churn_date - start).dt.days
        events["day"] = (events.event_date - start).dt.days
        events["second"] = (events.event_time - events.event_date).dt.total_seconds().astype(int)
        changes["day"] = (changes.valid_from - start).dt.days
        upgraded_on = users.user_id.map(changes.set_index("user_id").day)
        users["paid_from"] = users.signup_day.where(users.plan == "paid", upgraded_on)
        return cls(settings, users, events, changes)

    def of(self, *event_types: str) -> pd.DataFrame:
        return self.events[self.events.event_type.isin(event_types)]

    @cached_property
    def active(self) -> np.ndarray:
        """Active days as seen from the logins, shape (users, days)."""
        logins = self.of("login")
        grid = np.zeros((len(self.users), self.settings.days), dtype=int)
        np.add.at(grid, (logins.user_id.to_numpy() - 1, logins.day.to_numpy()), 1)
        assert grid.max() <= 1, "an active day has one login"
        return grid

    @cached_property
    def days_to_churn(self) -> np.ndarray:
        """Days until the churn date, shape (users, days); huge for those who stay."""
        churn_day = self.users.churn_day.fillna(1e6).to_numpy()
        return churn_day[:, None] - np.arange(self.settings.days)

    @cached_property
    def weekend(self) -> np.ndarray:
        start = pd.Timestamp(self.settings.start_date)
        return pd.date_range(start, periods=self.settings.days).day_of_week.to_numpy() >= 5

    @cached_property
    def active_probability(self) -> np.ndarray:
        """The description of activity, written down once more, shape (users, days)."""
        base = 0.5 + 0.3 * self.users.engagement_score.to_numpy()[:, None]
        p = np.minimum(base * np.where(self.weekend, 1.0, 1.2), 1.0)
        ahead = self.days_to_churn
        fading = np.interp(ahead, [1, 15], [0.25, 1.0])
        return np.where(ahead <= 0, 0.0, p * fading)

    def further_per_active_day(self) -> tuple[np.ndarray, np.ndarray]:
        """Learning events of each active day, and the engagement of its user."""
        learning = self.of(*LEARNING)
        grid = np.zeros(self.active.shape, dtype=int)
        np.add.at(grid, (learning.user_id.to_numpy() - 1, learning.day.to_numpy()), 1)
        user, day = np.nonzero(self.active)
        return grid[user, day], self.users.engagement_score.to_numpy()[user]


def assert_share(what: str, hits: float, expected: float, variance: float) -> None:
    """Fail when a count is further from its expectation than sampling error explains."""
    sigmas = (hits - expected) / np.sqrt(variance)
    assert abs(sigmas) < LIMIT_SIGMAS, (
        f"{what}: {hits:.1f} instead of {expected:.1f}, {sigmas:+.1f} standard errors"
    )


def assert_binomial(what: str, hits: int, trials: int, p: float) -> None:
    assert_share(f"{what} ({trials} trials)", hits, trials * p, trials * p * (1 - p))


def assert_uniform(what: str, values: pd.Series, choices: list) -> None:
    """Fail when a discrete choice is not uniform over exactly these choices."""
    counts = values.value_counts().reindex(choices, fill_value=0)
    assert counts.sum() == len(values), f"{what}: values outside {choices[0]}..{choices[-1]}"
    p = stats.chisquare(counts.to_numpy()).pvalue
    assert p > LIMIT_P, f"{what}: chi-square p = {p:.2g}, counts {counts.to_dict()}"
