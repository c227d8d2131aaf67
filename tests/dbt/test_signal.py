"""The features tell who will churn, better than chance and than the simulator's own probability.

And not too well: a model that separates the active users almost perfectly would have seen the
future.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import run_dbt
from tests.private import with_private

pytestmark = pytest.mark.slow  # it trains on the days of thousands of users

# Every fourth user-day of train and of test, chosen by hash: days next to each other say almost the
# same, and the fit takes a second.
ROWS = """
    select columns(training.*), truth.churn_probability, splits.split
    from training_dataset as training
    inner join training_splits as splits using (as_of_date)
    inner join private.truth.users as truth using (user_id)
    where splits.split = '{split}' and hash(training.user_id, training.as_of_date) % 4 = 0
    order by training.user_id, training.as_of_date
"""
NOT_FEATURES = {"user_id", "churn_label", "churn_probability"}


class Rows(NamedTuple):
    """User-days of one split."""

    features: np.ndarray
    """Shape (user-days, numeric features); a missing mean is 0."""
    labels: np.ndarray
    churn_probability: np.ndarray
    is_active: np.ndarray


class Scores(NamedTuple):
    """Areas under the ROC curve on the test rows."""

    model: float
    model_on_active_days: float
    churn_probability: float
    shuffled: float
    """The same model, trained and scored on shuffled labels."""
    shuffled_error: float
    """Standard error of the area when the labels are random."""


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Scores:
    warehouse = tmp_path_factory.mktemp("signal") / "warehouse.duckdb"
    generate_warehouse(warehouse, Settings(n_users=4_000, days=180), workers=2)
    done = run_dbt(warehouse, dbt_variables, "run")
    assert done.returncode == 0, done.stdout
    train, test = read_rows(warehouse, "train"), read_rows(warehouse, "test")
    found = score(train, test)
    print(found)
    return found


def read_rows(warehouse: Path, split: str) -> Rows:
    with with_private(warehouse) as con:
        frame = con.execute(ROWS.format(split=split)).df()
    numeric = frame.select_dtypes("number").drop(columns=list(NOT_FEATURES))
    assert "active_days_30d" in numeric
    assert "engagement_score" not in numeric
    return Rows(
        numeric.fillna(0).to_numpy(dtype=float),
        frame["churn_label"].to_numpy(),
        frame["churn_probability"].to_numpy(),
        frame["is_active_day"].to_numpy() == 1,
    )


def score(train: Rows, test: Rows) -> Scores:
    predicted = predict(train.features, train.labels, test.features)
    random = np.random.default_rng(1)
    shuffled_train, shuffled_test = map(random.permutation, (train.labels, test.labels))
    active = test.is_active
    return Scores(
        roc_auc_score(test.labels, predicted),
        roc_auc_score(test.labels[active], predicted[active]),
        roc_auc_score(test.labels, test.churn_probability),
        roc_auc_score(shuffled_test, predict(train.features, shuffled_train, test.features)),
        error_of_chance(test.labels),
    )


def predict(features: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(features, labels).predict_proba(asked)[:, 1]


def error_of_chance(labels: np.ndarray) -> float:
    """Standard error of the area under random labels, that of the Mann-Whitney statistic."""
    churned = int(labels.sum())
    stayed = len(labels) - churned
    return float(np.sqrt((churned + stayed + 1) / (12 * churned * stayed)))


def test_shuffled_labels_cannot_be_told(scores: Scores) -> None:
    assert abs(scores.shuffled - 0.5) < 4 * scores.shuffled_error


def test_the_features_tell_who_will_churn(scores: Scores) -> None:
    assert scores.model > 0.5 + 10 * scores.shuffled_error
    assert scores.model > scores.shuffled + 0.1


def test_the_features_tell_more_than_the_true_probability_alone(scores: Scores) -> None:
    assert 0.55 < scores.churn_probability < scores.model


def test_the_users_of_an_active_day_are_not_told_apart_too_well(scores: Scores) -> None:
    assert 0.5 < scores.model_on_active_days < 0.95
