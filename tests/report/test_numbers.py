"""Each chart's numbers, against what plain loops make of the same rows."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import duckdb
import pytest
from scipy.stats import beta, binomtest

from generator.report import activity, churn, loads
from generator.report.activity_charts import beta_density
from generator.report.facts import read_facts
from tests.private import query_private

Days = dict[date, dict[str, Any]]

LABEL_WINDOW = timedelta(days=30)
WAREHOUSE = Path("warehouse.duckdb")
"""What errors would call it."""


@pytest.fixture(scope="module")
def users(con: duckdb.DuckDBPyConnection) -> dict[int, dict[str, Any]]:
    return {user["user_id"]: user for user in as_dicts(con, "from raw.users order by user_id")}


@pytest.fixture(scope="module")
def histories(con: duckdb.DuckDBPyConnection) -> dict[int, Days]:
    """Each user's rows of user_daily by day."""
    found: dict[int, Days] = defaultdict(dict)
    for row in as_dicts(con, "from user_daily order by user_id, as_of_date"):
        found[row["user_id"]][row["as_of_date"]] = row
    return found


@pytest.fixture(scope="module")
def last_active(histories: dict[int, Days]) -> dict[int, date]:
    return {
        user: max(day for day, row in days.items() if row["is_active_day"])
        for user, days in histories.items()
        if any(row["is_active_day"] for row in days.values())
    }


@pytest.fixture(scope="module")
def churners(histories: dict[int, Days], last_active: dict[int, date]) -> set[int]:
    last_day = max(day for days in histories.values() for day in days)
    return {user for user, day in last_active.items() if day + LABEL_WINDOW <= last_day}


def as_dicts(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = con.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_active_users_are_those_with_an_engagement_event(con: duckdb.DuckDBPyConnection) -> None:
    active = defaultdict(set)
    kinds = ("login", "course_enroll", "video_watch", "quiz_attempt")
    for user, day, kind in con.execute(
        "select user_id, event_date, event_type from raw.events"
    ).fetchall():
        if kind in kinds:
            active[day].add(user)
    frame = activity.daily_active_users(con)
    days = [moment.date() for moment in frame["as_of_date"]]
    assert days == [date(2025, 1, 1) + timedelta(days=number) for number in range(120)]
    assert list(frame["active_users"]) == [len(active[day]) for day in days]
    assert frame["mean_of_7_days"].isna().sum() == 6
    assert frame["mean_of_7_days"][50] == pytest.approx(frame["active_users"][44:51].mean())
    assert read_facts(con, WAREHOUSE).active_users == pytest.approx(frame["active_users"].mean())


def test_the_week_is_the_mean_of_each_weekday(con: duckdb.DuckDBPyConnection) -> None:
    counts = defaultdict(list)
    for row in activity.daily_active_users(con).itertuples():
        counts[f"{row.as_of_date:%A}"].append(row.active_users)
    week = activity.weekly_rhythm(con)
    assert week["weekday"][0] == "Monday"
    assert dict(zip(week["weekday"], week["active_users"], strict=True)) == pytest.approx(
        {name: mean(numbers) for name, numbers in counts.items()}
    )


def test_the_event_mix_counts_every_event(con: duckdb.DuckDBPyConnection) -> None:
    mix = activity.event_mix(con)
    assert mix["events"].sum() == read_facts(con, WAREHOUSE).events
    assert mix["share"].sum() == pytest.approx(1)
    assert mix["events"].is_monotonic_decreasing
    [(tickets,)] = con.execute(
        "select count(*) from raw.events where event_type = 'support_ticket'"
    ).fetchall()
    assert mix.set_index("event_type")["events"]["support_ticket"] == tickets


def test_the_loads_are_those_of_the_load_history(con: duckdb.DuckDBPyConnection) -> None:
    frame = loads.brought(con)
    assert list(frame["kind"]) == ["in time", "late", "rejected"]
    assert list(frame["events"]) == [read_facts(con, WAREHOUSE).events, 0, 0]


def test_of_many_loads_the_last_are_drawn_by_what_became_of_their_events() -> None:
    with duckdb.connect() as con:
        con.execute(
            """
            create table load_profile as
            select load_id, table_name, unnest(['event_id', 'amount']) as column_name,
                load_id + 10 as loaded_rows, 3 as late_rows, 2 as rejected_rows
            from range(1, 71) as loads (load_id), (values ('events'), ('users')) as t (table_name)
            """
        )
        frame = loads.brought(con)
        con.execute("drop table load_profile")
        assert loads.brought(con).empty
    assert sorted(set(frame["load_id"])) == list(range(11, 71))
    last = frame[frame["load_id"] == 70].set_index("kind")["events"]
    assert dict(last) == {"in time": 77, "late": 3, "rejected": 2}


def test_the_engagement_histogram_is_a_density_of_all_users(
    con: duckdb.DuckDBPyConnection, users: dict[int, dict[str, Any]]
) -> None:
    bins = activity.engagement(con)
    scores = [user["engagement_score"] for user in users.values()]
    for row in bins.itertuples():
        assert row.users == sum(row.score_from <= score < row.score_to for score in scores)
    assert bins["users"].sum() == len(users)
    assert bins["density"].sum() / 20 == pytest.approx(1)


@pytest.mark.parametrize("score", [0.0, 0.01, 0.4, 0.99, 1.0])
def test_the_curve_beside_it_is_beta_2_2_5(score: float) -> None:
    assert beta_density(score) == pytest.approx(beta.pdf(score, 2, 2.5), abs=1e-6)


def test_observed_churn_is_a_label_window_of_silence_after_the_last_active_day(
    con: duckdb.DuckDBPyConnection, last_active: dict[int, date], churners: set[int]
) -> None:
    found = con.execute("select user_id, has_churned from observed_users").fetchall()
    assert {user for user, has_churned in found if has_churned} == churners
    assert {user for user, has_churned in found if has_churned is None} == (
        {user for user, _ in found} - set(last_active)
    )
    assert read_facts(con, WAREHOUSE).churned == pytest.approx(len(churners) / len(last_active))
    assert read_facts(con, WAREHOUSE).question == (30, 0, 30, False)


def test_observed_churn_does_not_depend_on_the_gap_of_the_labels(
    simulated: Path, churners: set[int], tmp_path: Path
) -> None:
    shutil.copy(simulated, tmp_path / "gap.duckdb")
    with duckdb.connect(str(tmp_path / "gap.duckdb")) as con:
        # With a gap of seven days the last seven labelled days have no label.
        con.execute(
            "delete from churn_labels"
            " where as_of_date > (select max(as_of_date) - 7 from churn_labels)"
        )
        churn.prepare(con)
        found = con.execute("select user_id from observed_users where has_churned").fetchall()
    assert {user for (user,) in found} == churners


def test_who_churned_in_truth_is_observed_to_churn(
    simulated: Path, last_active: dict[int, date], churners: set[int]
) -> None:
    truth = query_private(
        simulated, "select user_id from private.truth.users where churn_date <= date '2025-03-31'"
    )
    in_truth = {user for (user,) in truth} & set(last_active)
    assert len(in_truth) > 30
    assert in_truth <= churners


def test_churn_by_decile_covers_every_user_once_with_wilsons_interval(
    con: duckdb.DuckDBPyConnection,
    users: dict[int, dict[str, Any]],
    last_active: dict[int, date],
    churners: set[int],
) -> None:
    deciles = churn.churn_by_engagement(con)
    in_order = sorted(last_active, key=lambda user: (users[user]["engagement_score"], user))
    for row in deciles.itertuples():
        group, in_order = in_order[: row.users], in_order[row.users :]
        gone = len(churners & set(group))
        assert row.churn_share == pytest.approx(gone / len(group))
        interval = binomtest(gone, len(group)).proportion_ci(method="wilson")
        assert (row.low, row.high) == pytest.approx(tuple(interval), abs=1e-4)
    assert in_order == []
    assert list(deciles["decile"]) == list(range(1, 11))
    assert deciles["churn_share"][:3].mean() > deciles["churn_share"][7:].mean()


def test_retention_is_the_share_active_in_each_whole_week_since_the_first_day(
    con: duckdb.DuckDBPyConnection, histories: dict[int, Days], users: dict[int, dict[str, Any]]
) -> None:
    def naive(group_of: dict[int, str]) -> dict[tuple[str, int], float]:
        sizes, weeks = defaultdict(int), defaultdict(list)
        for user, days in histories.items():
            sizes[group_of[user]] += 1
            rows = list(days.values())
            for week in range(len(rows) // 7):
                active = any(row["is_active_day"] for row in rows[7 * week : 7 * week + 7])
                weeks[group_of[user], week].append(active)
        return {
            (f"{group} ({sizes[group]} users)", week): mean(shares)
            for (group, week), shares in weeks.items()
            if 2 * len(shares) >= sizes[group]
        }

    def drawn(frame: Any) -> dict[tuple[str, int], float]:
        return {(row.user_group, row.week): row.share for row in frame.itertuples()}

    plans = {user: row["plan"] for user, row in users.items()}
    assert drawn(activity.retention_by_plan(con)) == pytest.approx(naive(plans))
    months = {user: f"{row['signup_date']:%Y-%m}" for user, row in users.items()}
    cohorts = drawn(activity.retention_by_cohort(con))
    large = naive(months)
    assert activity.cohort_grain(con) == "month"
    assert cohorts == pytest.approx({key: large[key] for key in cohorts})
    assert {group for group, _ in cohorts} == {
        f"{month} ({count} users)"
        for month in set(months.values())
        if (count := list(months.values()).count(month)) * 10
        >= max(list(months.values()).count(other) for other in months.values())
    }


@pytest.mark.parametrize(
    ("column", "rate"),
    [
        ("active", "is_active_day"),
        ("payment_failed", "payment_failed_count"),
        ("support_ticket", "support_ticket_count"),
    ],
)
def test_the_days_before_churn_are_means_over_the_churners_rows(
    column: str,
    rate: str,
    con: duckdb.DuckDBPyConnection,
    histories: dict[int, Days],
    last_active: dict[int, date],
    churners: set[int],
) -> None:
    scale = 1 if column == "active" else 100
    frame = churn.before_churn(con)
    assert list(frame["day"]) == list(range(-28, 0))
    for row in frame.to_dict("records"):
        that_day = {user: last_active[user] + timedelta(days=row["day"]) for user in churners}
        rows = [histories[user][day] for user, day in that_day.items() if day in histories[user]]
        assert row["users"] == len(rows)
        assert row[column] == pytest.approx(scale * mean(each[rate] for each in rows))
    others = [
        day[rate]
        for user, days in histories.items()
        if user in set(last_active) - churners
        for day in days.values()
    ]
    assert churn.days_of_others(con)[column] == pytest.approx(scale * mean(others))


def test_both_signals_are_more_frequent_before_churn(con: duckdb.DuckDBPyConnection) -> None:
    before, others = churn.before_churn(con), churn.days_of_others(con)
    for signal in churn.SIGNALS:
        assert before[signal].mean() > 3 * others[signal]
