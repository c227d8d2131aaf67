"""What the ceiling expects comes true: simulator, marts and ceiling agree on every promise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from generator.ceiling.histories import Histories
from generator.ceiling.posterior import Label, label_probability, read_group
from generator.ceiling.reading import LabelledRows, Reader
from generator.errors import ElearnError
from generator.settings import Settings
from generator.simulation import activity, support
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.file import read_warehouse
from tests.ceiling.chain import WINDOW, build, ceiling_of, judged, largest_z

pytestmark = pytest.mark.slow  # it simulates, builds and computes the ceiling of thousands

SMALL = Settings(n_users=700, days=110, seed=11, churn_base_rate=0.7, paid_ratio=0.5)
TREATED = replace(SMALL, n_users=1200, treatment_ratio=0.5, treatment_lift=1.5, upgrade_rate=0.4)
AHEAD = Label(gap=7, window=20)
LARGE = Settings(n_users=5_000, seed=7)
MOST = 3.5
"""Largest surprise, in standard errors by user."""

LABELS_A_DAY_LATE = """
    select coalesce(labels.churn_label, rows.churn_label) = 1
    from training_dataset as rows
    left join churn_labels as labels
        on rows.user_id = labels.user_id and rows.as_of_date + 1 = labels.as_of_date
    order by rows.user_id, rows.as_of_date
"""
Variables = dict[str, str]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, dbt_variables: Variables) -> Path:
    warehouse = tmp_path_factory.mktemp("small") / "warehouse.duckdb"
    build(warehouse, SMALL, dbt_variables)
    return warehouse


def test_what_is_expected_comes_true(small: Path) -> None:
    assert largest_z(*ceiling_of(small, SMALL)) < MOST


def test_a_label_a_day_late_is_seen(small: Path) -> None:
    assert largest_z(*a_day_late(small, SMALL)) > MOST


@pytest.fixture(scope="module")
def ahead(tmp_path_factory: pytest.TempPathFactory, dbt_variables: Variables) -> Path:
    """An experiment with upgrades, asked from eight days ahead about users active that week."""
    warehouse = tmp_path_factory.mktemp("ahead") / "warehouse.duckdb"
    asked = f"{{label_gap_days: {AHEAD.gap}, label_window_days: {AHEAD.window}"
    build(warehouse, TREATED, dbt_variables, "--vars", f"{asked}, eligible_within_days: 7}}")
    return warehouse


def test_what_is_expected_ahead_and_of_an_experiment_comes_true(ahead: Path) -> None:
    assert largest_z(*ceiling_of(ahead, TREATED, AHEAD)) < MOST


@pytest.mark.parametrize("gap", [0, 14])
def test_another_gap_is_seen(gap: int, ahead: Path) -> None:
    assert largest_z(*ceiling_of(ahead, TREATED, AHEAD._replace(gap=gap))) > MOST


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, dbt_variables: Variables) -> Path:
    warehouse = tmp_path_factory.mktemp("large") / "warehouse.duckdb"
    build(warehouse, LARGE, dbt_variables)
    return warehouse


def test_what_is_expected_of_many_users_comes_true(large: Path) -> None:
    rows, probability = ceiling_of(large, LARGE)
    assert largest_z(rows, probability) < MOST
    everything, active = (judged(rows, probability, c) for c in (rows.label >= 0, rows.is_active))
    assert everything.roc_auc.value > 0.98
    assert 0.9 < active.roc_auc.value < 0.96


def test_a_label_a_day_late_is_seen_among_many_users(large: Path) -> None:
    assert largest_z(*a_day_late(large, LARGE)) > 2 * MOST


def test_activity_that_does_not_fade_is_seen(
    tmp_path: Path, dbt_variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(activity, "FADED_SHARE", 1.0)
        build(tmp_path / "faulty.duckdb", LARGE, dbt_variables)
    assert largest_z(*ceiling_of(tmp_path / "faulty.duckdb", LARGE)) > MOST


def test_tickets_at_other_days_make_histories_of_probability_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate_warehouse(tmp_path / "right.duckdb", SMALL, workers=1)
    with monkeypatch.context() as patch:
        patch.setattr(support, "SIGNAL_DAYS_AHEAD", (14, 27))
        generate_warehouse(tmp_path / "faulty.duckdb", SMALL, workers=1)
    group = read_group(SMALL, WINDOW, is_treated=False)
    assert label_probability(group, histories(tmp_path / "right.duckdb")).size
    with pytest.raises(ElearnError, match=r"^user \d+: the history up to .* has probability 0"):
        label_probability(group, histories(tmp_path / "faulty.duckdb"))


def histories(warehouse: Path) -> Histories:
    with read_warehouse(warehouse) as con:
        reader = Reader(con, SMALL, SMALL.last_date)
        return reader.histories(reader.user_ids())


def a_day_late(warehouse: Path, settings: Settings) -> tuple[LabelledRows, np.ndarray]:
    """Return what the ceiling says, beside the labels of the next day."""
    rows, probability = ceiling_of(warehouse, settings)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        late = np.array(con.execute(LABELS_A_DAY_LATE).fetchall())[:, 0]
    return rows._replace(label=late), probability
