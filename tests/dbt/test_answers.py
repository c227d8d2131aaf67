"""The numbers of the analyses are those of plain loops over the raw rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from generator import Settings
from generator.documentation.project import Project
from generator.documentation.queries import read_queries
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.tables import ASSIGNMENTS
from tests.dbt.answers import WINDOW, Answers, Day, band, mean, wilson
from tests.dbt.marts import Marts

# Treated users stay, so that there are an effect, churned users and users at risk.
SETTINGS = Settings(
    n_users=150, days=110, churn_base_rate=0.9, paid_ratio=0.6, treatment_ratio=0.5,
    treatment_lift=1.5, seed=5,
)  # fmt: skip


# What no simulation brings: signups within the window, users who are first seen near its end, and
# users who go on paying while they stay away, for some days or for more than 30;
# and users on either side of the border between seen and not seen to churn.
CHANGES = """
    delete from raw.events where user_id <= 20 and event_date < date '2025-02-20' - user_id;
    update raw.users set signup_date = date '2025-02-20' - user_id where user_id <= 20;
    delete from raw.events where user_id in (21, 22) and event_date < date '2025-04-01';
    delete from raw.events where user_id between 31 and 50
        and event_type not like 'payment%' and event_date > date '2025-04-14';
    delete from raw.events where user_id between 51 and 60
        and event_type not like 'payment%' and event_date > date '2025-03-10';
    -- The last label window starts after 2025-03-21.
    delete from raw.events where user_id = 23 and event_date > date '2025-03-21';
    delete from raw.events where user_id in (24, 25) and event_date <= date '2025-03-21';
    insert into raw.events by name
        select
            900_000_000 + user_id as event_id, user_id, 'login' as event_type,
            date '2025-03-21' as event_date, timestamp '2025-03-21 10:00' as event_time
        from raw.users where user_id in (23, 24);
    -- Who churned counts once, as what they signed up.
    insert into raw.user_changes
        select user_id, date '2025-02-25', plan, is_paid, 'ZZ', 'radio'
        from raw.users where user_id % 4 = 0;
"""


@dataclass(frozen=True)
class World:
    """A data set, what the queries answer on it, and what the loops do."""

    answers: Answers
    rows: dict[str, pd.DataFrame]
    groups: dict[int, str]


@pytest.fixture(scope="module")
def world(
    documentation: Path, marts: dict[str, Marts], tmp_path_factory: pytest.TempPathFactory
) -> World:
    warehouse = tmp_path_factory.mktemp("answers") / "warehouse.duckdb"
    generate_warehouse(warehouse, SETTINGS, workers=1)
    with duckdb.connect(str(warehouse)) as con:
        con.execute(CHANGES)
    queries = read_queries(Project.read(documentation / "target"))
    with marts["defaults"].build_like(warehouse) as con:
        con.execute(f"create table {ASSIGNMENTS.name} as from stored.{ASSIGNMENTS.name}")
        users, events = (con.execute(f"from raw.{name}").df() for name in ("users", "events"))
        groups = dict(con.execute(f"from {ASSIGNMENTS.name}").fetchall())
        rows = {query.name: con.execute(query.sql).df() for query in queries}
    users["signup_date"] = users.signup_date.dt.date
    return World(Answers(users, events), rows, groups)


def close(found: object, expected: float | None, digits: int) -> bool:
    """Tell whether a rounded number is right; a null is for nothing to count."""
    if expected is None or pd.isna(found):
        return expected is None and bool(pd.isna(found))
    return abs(float(found) - expected) <= 0.5000001 * 10**-digits


def test_churn_rates_are_of_users_whose_churn_could_be_seen(world: World) -> None:
    observed, users = world.answers.observed, world.answers.users
    found = world.rows["churn_rate_by_segment"]
    assert set(found.attribute) == {"all", "plan", "country", "marketing_source"}
    for row in found.itertuples():
        in_segment = [
            has_churned
            for user_id, has_churned in observed.items()
            if row.attribute == "all" or users[row.attribute][user_id] == row.segment
        ]
        assert (row.users, row.churned_users) == (len(in_segment), sum(in_segment))
        low, high = wilson(sum(in_segment), len(in_segment))
        assert close(row.churn_rate, mean(in_segment), 3)
        assert close(row.low, low, 3)
        assert close(row.high, high, 3)
    assert 0 < found.churned_users[0] < found.users[0] < SETTINGS.n_users


def test_retention_is_null_where_a_period_is_not_observed_of_every_user(world: World) -> None:
    answers, found = world.answers, world.rows["retention_by_signup_cohort"]
    months = pd.Series({user: str(day)[:7] for user, day in answers.users.signup_date.items()})
    assert list(found.signup_month.dt.strftime("%Y-%m")) == sorted(set(months))
    for row in found.itertuples():
        cohort = months.index[months == row.signup_month.strftime("%Y-%m")]
        assert row.users == len(cohort)
        for number in range(0, 240, 30):
            shares = [active_in(answers, user_id, number) for user_id in cohort]
            expected = None if None in shares else mean(shares)
            assert close(getattr(row, f"day_{number}"), expected, 3)
    values = found.filter(like="day_")
    assert values.isna().any(axis=None)
    assert (values < 1).any(axis=None)


def active_in(answers: Answers, user_id: int, number: int) -> bool | None:
    """Whether the user is active in the 30 days that start so many days after the signup."""
    first = answers.users.signup_date[user_id] + timedelta(number)
    days = {first + timedelta(day) for day in range(30)}
    if min(days) < answers.first_day or max(days) > answers.last_day:
        return None
    return bool(days & answers.active[user_id])


def test_churn_by_recency_is_the_mean_label_of_each_band(world: World) -> None:
    found, training = world.rows["churn_by_recency"], world.answers.training
    assert list(found.days_away) == sorted({band(day.days_away) for day in training})
    for row in found.itertuples():
        labels = [day.has_churned for day in training if band(day.days_away) == row.days_away]
        assert row.user_days == len(labels)
        assert close(row.churn_rate, mean(labels), 3)
        assert row.is_at_risk == world.answers.at_risk(row.days_away)
    assert set(found.is_at_risk) == {True, False}


def last_days(answers: Answers) -> list[Day]:
    return [day for day in answers.user_days if day.day == answers.last_day]


def test_users_at_risk_are_the_eligible_ones_last_seen_long_enough_ago(world: World) -> None:
    found = world.rows["users_at_risk"]
    expected = {
        day.user_id: (day.days_away, day.active_30d)
        for day in last_days(world.answers)
        if day.active_30d and world.answers.at_risk(day.days_away)
    }
    columns = zip(found.days_since_last_activity, found.active_days_30d, strict=True)
    assert dict(zip(found.user_id, columns, strict=True)) == expected
    assert 0 < len(found) < SETTINGS.n_users
    assert found.churn_rate.is_monotonic_decreasing


def test_revenue_at_risk_is_what_paid_users_paid_in_30_days(world: World) -> None:
    answers, found = world.answers, world.rows["revenue_at_risk"]
    paid = answers.events[answers.events.event_type == "payment_success"]
    recent = paid[paid.day > answers.last_day - timedelta(30)].groupby("user_id").amount.sum()
    expected: dict[str, list[float]] = {}
    for day in last_days(answers):
        if answers.users.plan[day.user_id] == "paid":
            standing = standing_of(day, answers)
            expected.setdefault(standing, []).append(recent.get(day.user_id, 0.0))
    assert list(found.standing) == sorted(expected)
    assert len(found) == 3
    assert (found.paid_30d > 0).all()
    for row in found.itertuples():
        assert row.users == len(expected[row.standing])
        assert close(row.paid_30d, sum(expected[row.standing]), 2)
        assert close(row.share_of_revenue, sum(expected[row.standing]) / recent.sum(), 3)


def standing_of(day: Day, answers: Answers) -> str:
    if not day.active_30d:
        return "away for too long"
    return "at risk" if answers.at_risk(day.days_away) else "not at risk"


@pytest.mark.parametrize("has_churned", [True, False])
def test_weeks_before_the_last_active_day_are_means_over_users(
    has_churned: bool, world: World
) -> None:
    answers, found = world.answers, world.rows["activity_before_churn"]
    suffix = "" if has_churned else "_stayed"
    users = [user for user, churned in answers.observed.items() if churned == has_churned]
    assert list(found.weeks_before) == list(range(8, 0, -1))
    for row in found.itertuples():
        weeks = []
        for user_id in users:
            end = max(answers.active[user_id]) - timedelta(7 * (row.weeks_before - 1))
            days = [end - timedelta(number) for number in range(7)]
            if set(days) <= set(answers.days(user_id)):
                active = len(answers.active[user_id] & set(days))
                failed = answers.count(user_id, "payment_failed", end, 7)
                tickets = answers.count(user_id, "support_ticket", end, 7)
                weeks.append((active, failed, tickets))
        assert getattr(row, f"users{suffix}") == len(weeks) > 0
        columns = ("active_days", "failed_payments", "tickets")
        for column, values in zip(columns, zip(*weeks, strict=True), strict=True):
            assert close(getattr(row, f"{column}{suffix}"), mean(values), 2)


def test_warning_signs_compare_active_days_with_and_without(world: World) -> None:
    answers = world.answers
    found = world.rows["warning_signs"].set_index("sign").loc["failed payment in 30 days"]
    signs = {True: [], False: []}
    for day in answers.training:
        if day.is_active:
            failed = answers.count(day.user_id, "payment_failed", day.day, WINDOW)
            signs[failed > 0].append(day.has_churned)
    assert found.user_days == len(signs[True]) > 0
    assert close(found.churn_rate, mean(signs[True]), 4)
    assert close(found.churn_rate_without, mean(signs[False]), 4)
    assert close(found.times_as_often, mean(signs[True]) / mean(signs[False]), 1)


def test_days_to_churn_of_train_rows_know_nothing_of_the_test_period(world: World) -> None:
    answers, found = world.answers, world.rows["days_to_churn"]
    days = sorted({day.day for day in answers.user_days if day.has_churned is not None})
    first_test_day = days[-(len(days) // 5)]
    expected = {}
    for row in answers.training:
        is_test = row.day >= first_test_day
        if is_test or row.day < first_test_day - timedelta(WINDOW):
            known_on = answers.last_day if is_test else first_test_day - timedelta(1)
            expected[row.day, row.user_id] = answers.days_to_end(row.user_id, row.day, known_on)
    keys = zip(found.as_of_date.dt.date, found.user_id, strict=True)
    ends = dict(zip(keys, zip(found.days_to_end, found.churned, strict=True), strict=True))
    assert ends == {key: end for key, end in expected.items() if end is not None}
    assert set(found.churned) == {0, 1}


def test_the_funnel_counts_steps_in_their_order(world: World) -> None:
    found = world.rows["course_funnel"]
    events = world.answers.events.dropna(subset="course_name").sort_values("event_time")
    for row in found.itertuples():
        steps = np.zeros(3, dtype=int)
        for _, learner in events[events.course_name == row.course_name].groupby("user_id"):
            types = list(learner.event_type)
            for number, step in enumerate(("course_enroll", "video_watch", "quiz_attempt")):
                if step not in types:
                    break
                types = types[types.index(step) :]
                steps[number] += 1
        assert [row.enrolled, row.watched, row.took_quiz] == list(steps)
        assert close(row.took_quiz_share, steps[2] / steps[1], 3)
    assert len(found) == 7


def test_weekdays_are_shares_of_their_user_days(world: World) -> None:
    found = world.rows["weekday_rhythm"]
    for number, row in enumerate(found.itertuples()):
        days = [day.is_active for day in world.answers.user_days if day.day.weekday() == number]
        assert row.user_days == len(days)
        assert close(row.active_share, mean(days), 3)
    assert list(found.weekday)[::6] == ["Monday", "Sunday"]


def test_the_experiments_interval_for_churn_is_newcombes(world: World) -> None:
    answers, found = world.answers, world.rows["experiment_effect"]
    row = found.set_index("outcome").loc["churned"]
    border = answers.last_day - timedelta(WINDOW)
    left = {"control": [], "treatment": []}
    for user_id, signup in answers.users.signup_date.items():
        if signup <= border:
            away = all(day <= border for day in answers.active[user_id])
            left[world.groups[user_id]].append(away)
    rates = {group: mean(values) for group, values in left.items()}
    ends = {group: wilson(sum(values), len(values)) for group, values in left.items()}
    difference = rates["treatment"] - rates["control"]
    down = np.hypot(
        rates["treatment"] - ends["treatment"][0], ends["control"][1] - rates["control"]
    )
    up = np.hypot(ends["treatment"][1] - rates["treatment"], rates["control"] - ends["control"][0])
    assert (row.control_users, row.treated_users) == tuple(map(len, left.values()))
    assert close(row.difference, difference, 4)
    assert close(row.low, difference - down, 4)
    assert close(row.high, difference + up, 4)
    assert row.verdict == "lower with the treatment"


def test_the_experiments_interval_for_activity_is_that_of_two_means(world: World) -> None:
    answers, found = world.answers, world.rows["experiment_effect"]
    row = found.set_index("outcome").loc["active_share"]
    shares: dict[str, list[float]] = {"control": [], "treatment": []}
    for user_id, group in world.groups.items():
        days = answers.days(user_id)
        shares[group].append(len(answers.active[user_id]) / len(days))
    error = np.sqrt(sum(np.var(values, ddof=1) / len(values) for values in shares.values()))
    difference = np.mean(shares["treatment"]) - np.mean(shares["control"])
    assert close(row.difference, difference, 4)
    assert close(row.low, difference - 1.96 * error, 4)
    assert close(row.high, difference + 1.96 * error, 4)
    assert row.verdict == "higher with the treatment"
