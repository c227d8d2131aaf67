"""The filter gives what plain loops over everything hidden give."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from generator.ceiling.grid import GRID_POINTS, engagement_grid
from generator.ceiling.histories import Histories, Quizzes
from generator.ceiling.posterior import Label, label_probability, read_group
from generator.ceiling.reading import Reader
from generator.errors import ElearnError
from generator.settings import Settings
from generator.simulation.churn import NEVER
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.file import read_warehouse
from tests.ceiling import judge

POINTS = 4
SETTINGS = Settings(
    n_users=400,
    days=48,
    start_date=date(2025, 3, 5),
    seed=3,
    paid_ratio=0.6,
    churn_base_rate=1.0,
    treatment_ratio=0.5,
    treatment_lift=0.4,
    upgrade_rate=0.6,
)
SHORT = replace(SETTINGS, days=36, treatment_ratio=0.0)
"""So short that a churn may fall on any day up to the last one."""
INTERESTING = """
    with counts as (
        select user_id, count(*) filter (event_type = 'payment_failed') as failed,
            count(*) filter (event_type = 'support_ticket') as tickets,
            max(event_date) as last_date
        from raw.events
        group by all
    )
    (from counts select user_id order by failed desc, tickets desc, user_id limit 3)
    union (from counts select user_id order by tickets desc, failed desc, user_id limit 3)
    union (from counts select user_id order by last_date, user_id limit 2)
    union (from counts select user_id order by user_id limit 4)
    union (
        select user_id from raw.user_changes inner join counts using (user_id)
        order by failed desc, valid_from, user_id limit 4
    )
    order by user_id
"""


@pytest.mark.parametrize(
    ("settings", "gap", "window"), [(SETTINGS, 0, 6), (SHORT, 3, 5)], ids=["usual", "short"]
)
def test_the_filter_equals_a_sum_over_all_that_is_hidden(
    tmp_path: Path, settings: Settings, gap: int, window: int
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    generate_warehouse(warehouse, settings, workers=1)
    with read_warehouse(warehouse) as con:
        ids = np.array([user for (user,) in con.execute(INTERESTING).fetchall()])
        reader = Reader(con, settings, settings.last_date)
        seen = {int(user): reader.histories(np.array([user])) for user in ids}
        users = {int(user): judged_user(con, settings, int(user)) for user in ids}
    compare(settings, gap, window, seen, users)


def test_a_finer_grid_moves_no_probability(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    settings = replace(SETTINGS, days=100, churn_base_rate=0.4)
    generate_warehouse(warehouse, settings, workers=1)
    with read_warehouse(warehouse) as con:
        reader = Reader(con, settings, settings.last_date)
        histories = reader.histories(np.arange(1, 101))
    members = np.flatnonzero(histories.is_treated)
    histories = histories.take(members)

    def as_of_every_day(points: int) -> np.ndarray:
        group = read_group(settings, Label(0, 20), is_treated=True, points=points)
        return label_probability(group, histories)

    shipped = as_of_every_day(GRID_POINTS)
    assert abs(shipped - as_of_every_day(4 * GRID_POINTS)).max() < 1e-3
    assert abs(shipped - as_of_every_day(8)).max() > 1e-2


def test_hand_made_accounts_are_judged_alike() -> None:
    # A signal on the day of a charge, which succeeds or fails; two tickets on a day; a ticket on
    # a day that is not active; a retry that came, and one that did not.
    settings = replace(SETTINGS, days=60, treatment_ratio=0.0)
    active = dict.fromkeys([*range(12), 14, 16, 17], 1)
    base = judge.User(signup=-20, is_paid=True, further=active)
    users = [
        replace(base, succeeded={10: 1}, failed={10: 1}),
        replace(base, failed={10: 2}, succeeded={13: 1}),
        replace(base, failed={10: 1}, further=dict.fromkeys(range(12), 1)),
        replace(base, failed={10: 1, 12: 1}, succeeded={12: 1}),
        replace(base, succeeded={10: 1}, tickets={5: 2, 16: 1}),
        replace(base, succeeded={10: 1}, tickets={13: 1, 16: 1}, failed={5: 1}),
    ]
    known = dict(enumerate(users))
    seen = {number: as_histories(settings, user) for number, user in known.items()}
    compare(settings, 1, 4, seen, known)


@pytest.mark.parametrize(
    ("changes", "day"),
    [
        ({"tickets": {3: 1, 13: 1, 15: 1}}, 15),  # two on days that are not active
        ({"tickets": {4: 3}}, 4),
        ({"failed": {4: 1, 7: 1}}, 7),  # two signals
        ({"succeeded": {6: 1}}, 6),  # a retry of nothing
        ({"succeeded": {}}, 10),  # active on a day without the charge that is due
        ({"failed": {10: 1}, "succeeded": {14: 1}}, 14),  # a retry too late
        ({"is_paid": False}, 10),
        ({"is_paid": False, "upgraded": 0, "succeeded": {}}, 0),  # day 1 is the first
        ({"upgraded": 3}, 3),  # of a user who is paid already
    ],
)
def test_an_impossible_history_names_user_and_day(changes: dict[str, object], day: int) -> None:
    settings = replace(SETTINGS, days=90, treatment_ratio=0.0)
    active = dict.fromkeys([*range(12), 14, 16, 17], 1)
    user = judge.User(signup=-20, is_paid=True, further=active, succeeded={10: 1})
    user = replace(user, **changes)
    world = world_of(settings, 0, 5)
    assert judge.label_probability(world, user, day - 1) is not None
    assert judge.label_probability(world, user, day) is None
    group = read_group(settings, Label(0, 5), is_treated=False, points=POINTS)
    with pytest.raises(ElearnError, match=rf"^user 1: .* {date(2025, 3, 5 + day)} has prob"):
        label_probability(group, as_histories(settings, user))


def compare(
    settings: Settings,
    gap: int,
    window: int,
    seen: dict[int, Histories],
    users: dict[int, judge.User],
) -> None:
    group_of = {
        is_treated: read_group(settings, Label(gap, window), is_treated=is_treated, points=POINTS)
        for is_treated in (False, True)
    }
    world = world_of(settings, gap, window)
    for user_id, user in users.items():
        assert bool(seen[user_id].is_treated[0]) == user.is_treated
        [found] = label_probability(group_of[user.is_treated], seen[user_id])
        for day in range(user_id % 3, settings.days, 3):
            wanted = judge.label_probability(world, user, day)
            assert wanted == pytest.approx(found[day], abs=1e-9), (user_id, day)


def world_of(settings: Settings, gap: int, window: int) -> judge.World:
    grid = engagement_grid(settings, is_treated=False, points=POINTS)
    return judge.World(
        days=settings.days,
        first_weekday=settings.start_date.weekday(),
        churn_base_rate=settings.churn_base_rate,
        upgrade_rate=settings.upgrade_rate,
        lift=settings.treatment_lift,
        gap=gap,
        window=window,
        grid=[*zip(grid.engagement.tolist(), grid.prior.tolist(), strict=True)],
    )


def judged_user(con: duckdb.DuckDBPyConnection, settings: Settings, user_id: int) -> judge.User:
    """Read a user in loops of its own."""
    [(signup, is_paid)] = con.execute(
        "select signup_date, is_paid from raw.users where user_id = ?", [user_id]
    ).fetchall()
    user = judge.User((signup - settings.start_date).days, is_paid == 1)
    if settings.has_experiment:
        user.is_treated = con.execute(
            "select treatment_group from raw.experiment_assignments where user_id = ?", [user_id]
        ).fetchall() == [("treatment",)]
    changes = "select valid_from from raw.user_changes where user_id = ?"
    for (valid_from,) in con.execute(changes, [user_id]).fetchall():
        user.upgraded = (valid_from - settings.start_date).days
    events = con.execute(
        "select event_date, event_type, quiz_score from raw.events where user_id = ?", [user_id]
    ).fetchall()
    for event_date, event_type, quiz_score in events:
        day = (event_date - settings.start_date).days
        counted = {
            "payment_success": user.succeeded,
            "payment_failed": user.failed,
            "support_ticket": user.tickets,
        }.get(event_type)
        if counted is not None:
            counted[day] = counted.get(day, 0) + 1
        else:
            user.further[day] = user.further.get(day, 0) + (event_type != "login")
        if event_type == "quiz_attempt":
            user.scores.setdefault(day, []).append(quiz_score)
    return user


def as_histories(settings: Settings, user: judge.User) -> Histories:
    """Return a user without scores as the filter takes it."""

    def by_day(counts: dict[int, int]) -> np.ndarray:
        values = np.zeros((1, settings.days), dtype=np.int16)
        for day, count in counts.items():
            values[0, day] = count
        return values

    empty = np.array([], dtype=int)
    return Histories(
        user_id=np.array([1]),
        signup_day=np.array([user.signup]),
        is_paid=np.array([user.is_paid]),
        is_treated=np.array([user.is_treated]),
        upgrade_day=np.array([NEVER if user.upgraded is None else user.upgraded]),
        active=by_day(dict.fromkeys(user.further, 1)) > 0,
        further=by_day(user.further),
        succeeded=by_day(user.succeeded),
        failed=by_day(user.failed),
        tickets=by_day(user.tickets),
        quizzes=Quizzes(empty, empty, empty.astype(float)),
    )
