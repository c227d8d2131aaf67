from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from generator import Settings, simulate
from generator.simulation import simulate_blocks
from tests.simulation.world import LIMIT_SIGMAS

N_USERS = 20_000


def events_per_user_day(lift: float, days: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Engagement events per user and day, and who is treated, in order of user_id."""
    settings = Settings(n_users=N_USERS, days=days, treatment_ratio=0.5, treatment_lift=lift)
    counts, treated = [], []
    for rows in simulate_blocks(settings, workers=2):
        user_id = rows["raw.users"]["user_id"].to_numpy()
        seen = np.bincount(
            rows["raw.events"]["user_id"].to_numpy() - user_id[0], minlength=len(user_id)
        )
        counts.append(seen / days)
        groups = rows["raw.experiment_assignments"]["treatment_group"].to_pylist()
        treated.append(np.array(groups) == "treatment")
    return np.concatenate(counts), np.concatenate(treated)


def effect_in_sigmas(lift: float) -> float:
    """Difference of the groups' means over its standard error."""
    per_day, treated = events_per_user_day(lift)
    one, other = per_day[treated], per_day[~treated]
    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    return (one.mean() - other.mean()) / error


def test_a_lift_of_a_tenth_is_found() -> None:
    assert effect_in_sigmas(0.10) > LIMIT_SIGMAS


def test_no_lift_has_no_effect() -> None:
    assert abs(effect_in_sigmas(0.0)) < LIMIT_SIGMAS


def test_groups_are_randomised_at_the_ratio() -> None:
    for ratio in (0.2, 0.5, 1.0):
        settings = Settings(n_users=5000, days=1, treatment_ratio=ratio)
        treated = np.concatenate(
            [
                np.array(rows["raw.experiment_assignments"]["treatment_group"].to_pylist())
                == "treatment"
                for rows in simulate_blocks(settings, workers=1)
            ]
        )
        error = np.sqrt(ratio * (1 - ratio) / 5000)
        assert abs(treated.mean() - ratio) <= LIMIT_SIGMAS * error


def test_an_experiment_without_lift_changes_no_event() -> None:
    plain = simulate(Settings(n_users=600))
    with_groups = simulate(Settings(n_users=600, treatment_ratio=0.5))
    for left, right in zip(plain, with_groups, strict=True):
        pd.testing.assert_frame_equal(left, right)


def test_the_stored_engagement_is_the_untreated_one_and_the_acting_one_is_capped() -> None:
    plain, _ = simulate(Settings(n_users=600))
    settings = Settings(n_users=600, treatment_ratio=1.0, treatment_lift=10.0)
    users, _ = simulate(settings)
    assert users.engagement_score.equals(plain.engagement_score)
    truth = pd.concat(
        [rows["truth.users"].to_pandas() for rows in simulate_blocks(settings, workers=1)]
    )
    acting = np.minimum(users.engagement_score * 11, 1.0)
    expected = 0.25 * (1 - acting) * np.where(users.plan == "paid", 0.9, 1.0)
    np.testing.assert_allclose(truth.churn_probability, expected, atol=1e-12)


@pytest.mark.parametrize("lift", [-1.0, 10.0])
def test_the_ends_of_the_lift_work(lift: float) -> None:
    _, events = simulate(Settings(n_users=300, treatment_ratio=1.0, treatment_lift=lift))
    further = (~events.event_type.isin(["login", "payment_success", "payment_failed"])).mean()
    assert further < 0.01 if lift == -1 else further > 0.5
