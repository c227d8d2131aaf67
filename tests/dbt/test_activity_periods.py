"""What activity_periods promises beside its rows, which the judge recomputes."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

from tests.dbt.judge import World
from tests.dbt.marts import Marts
from tests.dbt.worlds import worlds
from tests.drawing import drawn

LABELS_OF_ACTIVE_DAYS = """
    select labels.user_id, labels.as_of_date, labels.churn_label, periods.user_id is not null
    from churn_labels as labels
    inner join user_daily as days using (user_id, as_of_date)
    left join activity_periods as periods
        on
            labels.user_id = periods.user_id
            and labels.as_of_date = periods.last_active_day
            and periods.churn_observed = 1
    where days.is_active_day = 1
"""

AS_KNOWN_ON = """
    select
        user_id, period_number, period_start, known_churn, (known_churn is not null)::integer,
        case when period_start < coalesce(known_churn, border)
            then coalesce(known_churn, border) - period_start end,
        started_before_window, plan, country, marketing_source
    from (
        select
            *,
            date '{day}' - 29 as border,
            case when churn_date + 29 <= date '{day}' then churn_date end as known_churn
        from activity_periods
        where period_start <= date '{day}'
    )
    order by all
"""

KNOWN = """
    select * exclude (last_active_day, active_days) from activity_periods order by all
"""


@drawn(world=worlds())
def test_an_active_day_has_label_1_where_an_observed_period_ends(
    world: World, marts: dict[str, Marts]
) -> None:
    with marts["defaults"].build(world, 1, "churn_labels", "activity_periods") as con:
        for user_id, day, label, ends in con.execute(LABELS_OF_ACTIVE_DAYS).fetchall():
            assert label == ends, (user_id, day)


@drawn(world=worlds(), data=st.data())
def test_what_was_known_on_a_day_is_what_a_build_with_that_last_day_says(
    world: World, data: st.DataObject, marts: dict[str, Marts]
) -> None:
    dates = sorted({event.event_date for event in world.events})
    assume(dates)
    day = data.draw(st.sampled_from(dates), label="day")
    until = tuple(event for event in world.events if event.event_date <= day)
    with marts["defaults"].build(world, 1, "activity_periods") as con:
        known = con.execute(AS_KNOWN_ON.format(day=day)).fetchall()
    with marts["defaults"].build(world._replace(events=until), 1, "activity_periods") as con:
        assert con.execute(KNOWN).fetchall() == known
