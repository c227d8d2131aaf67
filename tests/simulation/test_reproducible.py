"""Same settings, same rows: whatever the workers, the users beside, the process, the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from generator import Settings, simulate
from generator.simulation import history, simulate_blocks
from generator.simulation.streams import Streams, streams_of
from generator.simulation.users import Users, draw_users

ROOT = Path(__file__).parents[2]
OTHER_DUCKDB = ROOT / ".venv" / "duckdb-2.0.0"

# A change of these is a regression: it is named so in CHANGELOG.md.
SMALL = Settings(n_users=100, days=30, seed=7)
SMALL_VERSION = "78765ceaf17db3bd"
DEFAULT_VERSION = "078741675f3e1bd0"
DEFAULT_EVENTS = {
    "login": 120111,
    "video_watch": 78359,
    "quiz_attempt": 27945,
    "course_enroll": 6041,
    "payment_success": 1539,
    "support_ticket": 370,
    "payment_failed": 65,
}
DEFAULT_COUNTRIES = {"AU": 192, "CA": 189, "UK": 158, "IN": 157, "SG": 157, "US": 147}
DEFAULT_SUMS = {"watch_minutes": 2545190.4, "quiz_score": 1865614.0, "amount": 1602396.0}
SMALL_EVENTS = {
    "login": 2094,
    "video_watch": 1140,
    "quiz_attempt": 476,
    "course_enroll": 276,
    "payment_success": 26,
    "support_ticket": 8,
    "payment_failed": 2,
}
SMALL_PLANS = {"free": 72, "paid": 28}


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True))


@pytest.fixture(scope="module")
def default() -> tuple[pd.DataFrame, pd.DataFrame]:
    return simulate(Settings())


def test_the_same_settings_give_the_same_rows(default: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for left, right in zip(default, simulate(Settings()), strict=True):
        assert_same(left, right)


def test_another_seed_gives_other_rows(default: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    users, events = simulate(Settings(seed=43))
    for name in ("signup_date", "plan", "country", "marketing_source", "engagement_score"):
        assert (users[name] != default[0][name]).mean() > 0.2, name
    assert len(events) != len(default[1])


def test_more_users_leave_the_first_ones_as_they_are(
    default: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    users, events = simulate(Settings(n_users=5000))
    assert_same(users.head(1000), default[0])
    assert_same(events[events.user_id <= 1000], default[1])


def test_one_user_is_the_first_of_many(default: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    users, events = simulate(Settings(n_users=1))
    assert_same(users, default[0].head(1))
    assert_same(events, default[1][default[1].user_id == 1])


def test_the_number_of_workers_changes_nothing() -> None:
    settings = Settings(n_users=3000, days=40)
    for one, many in zip(simulate_blocks(settings, 1), simulate_blocks(settings, 8), strict=True):
        assert one.keys() == many.keys()
        assert all(one[name].equals(many[name]) for name in one)


def test_a_new_decision_leaves_every_other_column_as_it_was(
    monkeypatch: pytest.MonkeyPatch, default: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    drawn: list[np.ndarray] = []

    def draw_users_and_a_device(settings: Settings, block: int, stream: Streams) -> Users:
        drawn.append(stream("device").random(512))  # before all others
        return draw_users(settings, block, stream)

    monkeypatch.setattr(history, "draw_users", draw_users_and_a_device)
    for left, right in zip(simulate(Settings()), default, strict=True):
        assert_same(left, right)
    assert len(drawn) == 2
    assert not np.array_equal(drawn[0], drawn[1])


def test_streams_of_other_names_blocks_and_seeds_are_independent() -> None:
    streams = [
        streams_of(seed, block)(name).random(2000)
        for seed in (1, 2)
        for block in (0, 1)
        for name in ("plan", "country", "churn")
    ]
    correlation = np.corrcoef(streams) - np.eye(len(streams))
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)


def version_in_a_process(settings: Settings, folder: Path, **variables: str) -> str:
    """Generate in a process of its own and return the dataset version."""
    code = f"""
import duckdb, sys
from pathlib import Path
from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.verify import verify_warehouse
path = Path("w.duckdb")
given = Settings(n_users={settings.n_users}, days={settings.days}, seed={settings.seed})
generate_warehouse(path, given, workers=2)
print(duckdb.__version__, verify_warehouse(path).found)
"""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_version_does_not_depend_on_hash_seed_folder_or_clock_zone(tmp_path: Path) -> None:
    for number, variables in enumerate(
        [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"}, {"TZ": "Pacific/Auckland"}]
    ):
        _, version = version_in_a_process(SMALL, tmp_path / str(number), **variables)
        assert version == SMALL_VERSION


def test_version_does_not_depend_on_the_version_of_duckdb(tmp_path: Path) -> None:
    assert OTHER_DUCKDB.is_dir(), "make test installs DuckDB 2.0.0 there"
    path = f"{OTHER_DUCKDB}{os.pathsep}{ROOT}"
    engine, version = version_in_a_process(Settings(), tmp_path / "other", PYTHONPATH=path)
    assert engine == "2.0.0"
    assert version == DEFAULT_VERSION


def test_golden_summary_of_the_default_run(default: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    users, events = default
    assert events.event_type.value_counts().to_dict() == DEFAULT_EVENTS
    assert users.plan.value_counts().to_dict() == {"free": 721, "paid": 279}
    assert users.country.value_counts().to_dict() == DEFAULT_COUNTRIES
    assert round(users.engagement_score.sum(), 4) == 441.6769
    assert {name: round(events[name].sum(), 1) for name in DEFAULT_SUMS} == DEFAULT_SUMS


def test_golden_summary_of_a_small_run() -> None:
    users, events = simulate(SMALL)
    assert events.event_type.value_counts().to_dict() == SMALL_EVENTS
    assert users.plan.value_counts().to_dict() == SMALL_PLANS
