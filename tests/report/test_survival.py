"""How long users stay, by plan: the curves of the chart are those of lifelines."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter

from generator.report import survival, write_report

BEGUN_WITHIN = "update activity_periods set started_before_window = 0 where user_id % 5 > 0"
"""Hardly any user of a simulation signs up within the window."""
AS_LATER_PERIODS = "update activity_periods set period_number = 2 where user_id % 5 = 1"
TOO_LATE = "update activity_periods set duration_days = null where user_id % 5 = 2"


def by_lifelines(days: pd.Series, events: pd.Series) -> pd.DataFrame:
    """Return what lifelines makes of durations: one row for day 0 and for each day of an event."""
    fitter = KaplanMeierFitter().fit(days, events)
    curve = fitter.event_table[["at_risk", "observed"]].join(fitter.survival_function_)
    curve = curve.join(fitter.confidence_interval_).reset_index()
    curve.columns = ["day", "users", "events", "share", "low", "high"]
    return curve[(curve["events"] > 0) | (curve["day"] == 0)]


def check_equal(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    for name in ("day", "users", "events"):
        assert found[name].tolist() == wanted[name].tolist(), name
    assert found["share"].to_numpy() == pytest.approx(wanted["share"].to_numpy(), abs=1e-12)
    some = found["share"] > 0
    assert found.loc[~some, ["low", "high"]].isna().all(axis=None)
    for name in ("low", "high"):  # lifelines takes 1.95996 where the page takes 1.96
        wanted_ends = wanted[name].to_numpy()[some.to_numpy()]
        assert found.loc[some, name].to_numpy() == pytest.approx(wanted_ends, abs=2e-5)


def test_the_curve_of_each_plan_is_that_of_its_first_periods(copied: Path) -> None:
    with duckdb.connect(str(copied)) as con:
        for statement in (BEGUN_WITHIN, AS_LATER_PERIODS, TOO_LATE):
            con.execute(statement)
        periods, drawn = con.execute("from activity_periods").df(), survival.periods_by_plan(con)
    kept = periods[
        (periods["period_number"] == 1)
        & (periods["started_before_window"] == 0)
        & periods["duration_days"].notna()
    ]
    assert 50 < len(kept) < 0.7 * len(periods)
    assert sorted(drawn["plan"].unique()) == ["free", "paid"]
    for plan, curve in drawn.groupby("plan"):
        of_plan = kept[kept["plan"] == plan]
        check_equal(curve, by_lifelines(of_plan["duration_days"], of_plan["churn_observed"]))
        assert curve["events"].sum() >= 10
        assert curve["day"].max() < of_plan["duration_days"].max()  # the last are censored


@pytest.mark.parametrize("seed", range(5))
def test_any_durations_give_the_curve_of_lifelines(seed: int) -> None:
    random = np.random.default_rng(seed)
    days = pd.Series(random.integers(1, 12, 30)).sort_values()
    events = pd.Series(random.random(30) < 0.5, days.index)
    events.iloc[-1] = seed % 2 == 1  # the share ends at 0, or above it
    counted = pd.DataFrame({"day": days, "last_seen": 1, "events": events.astype(int)})
    counted = counted.groupby("day", as_index=False).sum()
    start = pd.DataFrame({"day": [0], "last_seen": [0], "events": [0]})
    found = survival.kaplan_meier(pd.concat([start, counted], ignore_index=True))
    found = found[(found["events"] > 0) | (found["day"] == 0)]
    check_equal(found, by_lifelines(days, events))


def test_the_page_says_how_many_stay_how_long(copied: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    with duckdb.connect(str(copied)) as con:
        con.execute(BEGUN_WITHIN)
        con.execute("update activity_periods set churn_observed = 0 where plan = 'paid'")
        curve = survival.periods_by_plan(con).query("plan == 'free'")
    assert "survival_by_plan" in write_report(copied, page).charts
    last, text = curve.iloc[-1], page.read_text()
    assert f"{last['share']:.0%} ({last['low']:.0%} to {last['high']:.0%}) stay longer" in text
    assert f"than {last['day']} days. Of " in text
    assert "paid users nobody is seen to leave." in text
    with duckdb.connect(str(copied)) as con:
        con.execute("update activity_periods set started_before_window = 1")
    assert "survival_by_plan" not in write_report(copied, page).charts
    assert "No user is seen from the first active day on" in page.read_text()
