"""The metrics are those of scikit-learn, and their errors those of users."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from generator.ceiling.metrics import Metrics, Scored, metrics

RANDOM = np.random.default_rng(5)


def scored(users: int, rows_each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of users whose rows say the same: probability, label and user."""
    probability = RANDOM.beta(1, 8, users).round(2)  # rounded, so that there are ties
    label = RANDOM.random(users) < probability
    return tuple(np.repeat(each, rows_each) for each in (probability, label, np.arange(users)))


def of(probability: np.ndarray, label: np.ndarray, user: np.ndarray) -> Metrics:
    return metrics(Scored(probability, label, user))


def test_areas_and_log_loss_are_those_of_scikit_learn() -> None:
    probability, label, user = scored(500, 3)
    found = of(probability, label, user)
    assert found.roc_auc.value == pytest.approx(roc_auc_score(label, probability), abs=1e-12)
    wanted = average_precision_score(label, probability)
    assert found.pr_auc.value == pytest.approx(wanted, abs=1e-12)
    kept = (probability > 0) & (probability < 1)
    inside = of(probability[kept], label[kept], user[kept])
    wanted = log_loss(label[kept], probability[kept])
    assert inside.log_loss.value == pytest.approx(wanted, abs=1e-12)


def test_rows_that_repeat_their_users_make_no_error_smaller() -> None:
    probability, label, user = scored(800, 1)
    once = of(probability, label, user)
    often = of(np.repeat(probability, 20), np.repeat(label, 20), np.repeat(user, 20))
    for name in ("roc_auc", "pr_auc", "log_loss"):
        alone, repeated = getattr(once, name), getattr(often, name)
        assert repeated.standard_error == pytest.approx(alone.standard_error, rel=1e-9)
    assert often.calibration.z == pytest.approx(once.calibration.z)


def test_the_error_is_the_spread_over_samples_of_users() -> None:
    several = [of(*scored(400, 2)) for _ in range(60)]
    spread = np.std([each.roc_auc.value for each in several])
    told = np.median([each.roc_auc.standard_error for each in several])
    assert told == pytest.approx(spread, rel=0.4)
    z = np.array([each.calibration.z for each in several])
    assert 0.6 < z.std() < 1.5
    assert abs(z.mean()) < 0.6


def test_every_row_stands_in_one_bin() -> None:
    probability = np.array([0.0, 0.005, 0.3, 0.9, 1.0])
    label = np.array([False, True, False, True, True])
    found = of(probability, label, np.arange(5))
    assert [each.rows for each in found.bins] == [1, 1, 0, 0, 0, 0, 1, 0, 2]
    assert sum(each.positives for each in found.bins) == found.positives == 3
    assert found.calibration.expected == pytest.approx(probability.sum())


@pytest.mark.parametrize("label", [[], [False, False], [True, True]])
def test_rows_of_one_kind_have_no_area(label: list[bool]) -> None:
    size = len(label)
    found = of(np.linspace(0.2, 0.4, size), np.array(label, dtype=bool), np.arange(size))
    assert found.roc_auc.value is None
    assert found.roc_auc.standard_error is None
    assert found.rows == size
