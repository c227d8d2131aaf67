"""The metrics are defined once: queries, report and dashboard give what the macros give."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from generator import Settings
from generator.documentation.project import Project
from generator.documentation.queries import read_queries
from generator.report import churn, facts
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import ROOT
from tests.dbt.judge import ENGAGEMENT
from tests.dbt.marts import Connection, Marts, rows_of

SETTINGS = Settings(n_users=120, days=110, churn_base_rate=0.9, paid_ratio=0.6, seed=5)
MACROS = ROOT / "dbt_project/macros"
DATASETS = ROOT / "examples/superset/bundle/datasets/elearn"
METRICS = {
    "active_users": "user_daily",
    "retention": "user_daily",
    "revenue": "user_daily",
    "label_rate": "training_dataset",
    "observed_churn": "activity_periods",
}
"""The metrics, and the table whose rows they are of."""

Rows = list[dict[str, Any]]


def macro(name: str) -> str:
    """The SQL of a metric, by the macros' own files."""
    texts = [(MACROS / file).read_text() for file in ("metrics.sql", "analyses.sql")]
    source = "\n".join(texts) + f"\n{{{{ {name}() }}}}"
    unknown = {"ref": str, "source": str, "var": str, "return": str, "minus_days": str}
    rendered = Environment(extensions=["jinja2.ext.do"]).from_string(source).render(unknown)
    return " ".join(rendered.split())


@pytest.fixture(scope="module")
def con(marts: dict[str, Marts], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    warehouse = tmp_path_factory.mktemp("metrics") / "warehouse.duckdb"
    generate_warehouse(warehouse, SETTINGS, workers=1)
    with marts["defaults"].build_like(warehouse) as con:
        yield con


@pytest.fixture(scope="module")
def answers(con: Connection, documentation: Path) -> dict[str, Rows]:
    queries = {q.name: q.sql for q in read_queries(Project.read(documentation / "target"))}
    found = {}
    for name in ("key_figures_by_week", "retention_by_signup_week", "feature_drift"):
        rows = con.execute(queries[name])
        names = [column[0] for column in rows.description]
        found[name] = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return found


def value(con: Connection, metric: str) -> float:
    [(found,)] = con.execute(f"select {macro(metric)} from {METRICS[metric]}").fetchall()
    return float(found)


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


@pytest.mark.parametrize("metric", METRICS)
def test_the_dashboard_asks_for_the_metric_in_the_macros_words(metric: str) -> None:
    datasets = [yaml.safe_load(path.read_text()) for path in sorted(DATASETS.glob("*.yaml"))]
    asked = [
        " ".join(known["expression"].split())
        for dataset in datasets
        for known in dataset["metrics"]
        if known["metric_name"] == metric
    ]
    assert asked
    assert set(asked) == {macro(metric)}


def test_the_report_shows_the_values_of_the_macros(con: Connection) -> None:
    churn.prepare(con)
    con.execute("create schema if not exists raw")
    headlines = facts.HEADLINES.split("(select count(*) > 0 from main.churn_labels)")[0]
    found = con.execute(headlines.rstrip(" ,\n"))
    shown = dict(zip([c[0] for c in found.description], found.fetchall()[0], strict=True))
    assert shown["churned"] == pytest.approx(value(con, "observed_churn"), rel=1e-12)
    assert shown["label_rate"] == value(con, "label_rate")
    by_day = f"select avg(users) from (select {macro('active_users')} as users"
    [(mean,)] = con.execute(f"{by_day} from user_daily group by as_of_date)").fetchall()
    assert shown["active_users"] == pytest.approx(mean, rel=1e-12)
    assert 0 < shown["churned"] < 1


def test_the_weeks_are_those_of_plain_loops(con: Connection, answers: dict[str, Rows]) -> None:
    events, training = rows_of(con, "raw.events"), rows_of(con, "main.training_dataset")
    first, last = (pick(row["event_date"] for row in events) for pick in (min, max))
    weeks = [
        week
        for number in range((last - first).days // 7 + 2)
        if first <= (week := monday(first) + timedelta(weeks=number))
        and week + timedelta(days=6) <= last
    ]
    labelled = {row["as_of_date"] for row in training}
    assert [row["week"] for row in answers["key_figures_by_week"]] == weeks
    for row in answers["key_figures_by_week"]:
        days = {row["week"] + timedelta(days=number) for number in range(7)}
        seen = [event for event in events if event["event_date"] in days]
        active = {event["user_id"] for event in seen if event["event_type"] in ENGAGEMENT}
        assert row["active_users"] == len(active)
        paid = [event["amount"] for event in seen if event["event_type"] == "payment_success"]
        assert float(row["revenue"]) == pytest.approx(sum(paid), abs=0.005)
        labels = [one["churn_label"] for one in training if one["as_of_date"] in days]
        rate = sum(labels) / len(labels) if days <= labelled else None
        assert row["label_rate"] == (None if rate is None else pytest.approx(rate, abs=6e-5))
    assert {row["label_rate"] is None for row in answers["key_figures_by_week"]} == {True, False}


def test_retention_is_that_of_plain_loops(con: Connection, answers: dict[str, Rows]) -> None:
    days = rows_of(con, "main.user_daily")
    observed = {row["as_of_date"] for row in days}
    groups: dict[tuple[date, int], dict[int, int]] = {}
    for row in days:
        cohort, week = monday(row["signup_date"]), monday(row["as_of_date"])
        whole = all(week + timedelta(days=number) in observed for number in range(7))
        if whole and week > cohort:
            users = groups.setdefault((cohort, (week - cohort).days // 7), {})
            users[row["user_id"]] = max(users.get(row["user_id"], 0), row["is_active_day"])
    found = {
        (row["signup_week"], row["weeks_since_signup"]): (row["users"], row["retention"])
        for row in answers["retention_by_signup_week"]
    }
    assert found == {
        key: (len(users), pytest.approx(sum(users.values()) / len(users), abs=6e-4))
        for key, users in groups.items()
    }


def stability_index(train: list[Any], scoring: list[Any]) -> tuple[float, int]:
    """The population stability index of one feature, and its number of bins."""
    known = sorted(value for value in train if value is not None)
    if known and not isinstance(known[0], str):
        places = [math.ceil(tenth * len(known) / 10) - 1 for tenth in range(1, 10)]
        edges = sorted({known[max(place, 0)] for place in places})
        train, scoring = (
            [None if value is None else bisect_left(edges, value) for value in values]
            for values in (train, scoring)
        )
    counts = [Counter(values) for values in (train, scoring)]
    bins = counts[0].keys() | counts[1].keys()
    index = 0.0
    for each in bins:
        old, new = (count[each] / count.total() or 0.0001 for count in counts)
        index += (new - old) * math.log(new / old)
    return index, len(bins)


def test_the_drift_of_each_feature_is_that_of_plain_python(
    con: Connection, answers: dict[str, Rows]
) -> None:
    splits = {row["as_of_date"]: row["split"] for row in rows_of(con, "main.training_splits")}
    scoring = rows_of(con, "main.scoring_dataset")
    train = [
        row for row in rows_of(con, "main.training_dataset") if splits[row["as_of_date"]] == "train"
    ]
    features = [name for name in scoring[0] if name not in {"user_id", "as_of_date", "signup_date"}]
    found = {
        row["feature"]: (row["stability_index"], row["bins"]) for row in answers["feature_drift"]
    }
    assert sorted(found) == sorted(features)
    for name in features:
        index, bins = stability_index([row[name] for row in train], [row[name] for row in scoring])
        assert found[name] == (pytest.approx(index, abs=6e-5), bins), name
    assert found["days_since_signup"][0] > 0.25, "it drifts by construction"
    assert list(found.values()) == sorted(found.values(), key=lambda one: -one[0])
