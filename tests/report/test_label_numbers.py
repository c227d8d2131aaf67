"""The numbers of the charts of labels and features, against what plain loops make of the marts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from statistics import mean

import duckdb
import pytest
from sklearn.metrics import roc_auc_score

from generator.report import churn, churn_charts


def test_the_label_rate_is_that_of_the_training_rows(con: duckdb.DuckDBPyConnection) -> None:
    labels = defaultdict(list)
    for day, label in con.execute(
        "select as_of_date, churn_label from training_dataset"
    ).fetchall():
        labels[day].append(label)
    frame = churn.label_rate(con)
    assert {row.as_of_date.date(): row.label_rate for row in frame.itertuples()} == pytest.approx(
        {day: mean(each) for day, each in labels.items()}
    )


def test_the_shaded_periods_are_those_of_training_splits(con: duckdb.DuckDBPyConnection) -> None:
    chart = churn_charts.label_rate(churn.label_rate(con), churn.periods(con), "UTC").to_dict()
    [shaded] = [rows for rows in chart["datasets"].values() if any("split" in row for row in rows)]
    days_of = defaultdict(set)
    for row in shaded:
        first, end = (date.fromisoformat(row[key][:10]) for key in ("first_day", "day_after"))
        days_of[row["split"]] |= {first + timedelta(days=n) for n in range((end - first).days)}
    expected = defaultdict(set)
    for day, split in con.execute("select as_of_date, split from training_splits").fetchall():
        expected[split].add(day)
    assert days_of == expected
    assert set(expected) == {"train", "embargo", "test"}


def test_separation_is_the_auc_of_each_feature_on_the_test_days(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = con.execute("""
        from training_dataset
        where as_of_date in (select as_of_date from training_splits where split = 'test')
    """).df()
    naive = {}
    numbers = set(rows.select_dtypes("number").columns) - {"user_id", "churn_label"}
    for feature in numbers:
        known = rows[rows[feature].notna()]
        if known["churn_label"].nunique() == 2:
            naive[feature] = roc_auc_score(known["churn_label"], known[feature])
    found = churn.separation(con)
    assert dict(zip(found["feature"], found["auc"], strict=True)) == pytest.approx(
        {name: naive[name] for name in found["feature"]}
    )
    weakest = abs(found["auc"] - 0.5).min()
    left_out = {name: auc for name, auc in naive.items() if name not in set(found["feature"])}
    assert all(abs(auc - 0.5) <= weakest for auc in left_out.values())
    best = found.set_index("feature")["auc"]
    assert best["days_since_last_activity"] > 0.8
    assert best["active_days_7d"] < 0.2
