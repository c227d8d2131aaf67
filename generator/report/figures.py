"""What the page shows: each figure's title, chart and reading, or what the data lack for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.report import activity, activity_charts, churn, churn_charts, loads, survival
from generator.report.activity import MOST_COHORTS
from generator.report.churn import DAYS_BEFORE_CHURN, SIGNALS
from generator.report.style import Chart

if TYPE_CHECKING:
    import pandas as pd

    from generator.report.facts import Facts
    from generator.warehouse.file import Connection

NO_EVENTS = "There are no events in this data."
NO_SCORE = "There is no engagement score in this data."
NO_LABELS = "No label window has passed in this data, so there are no labelled days."
NO_CHURN_YET = "No label window has passed in this data, so nobody can be observed to churn yet."
NO_CHURNER = "No user is observed to churn in this data."
NO_END = "No user is seen from the first active day on and observed to churn in this data."


@dataclass(frozen=True)
class Figure:
    """One chart with its sentences, or one sentence where the data lack something."""

    name: str
    """Names the chart's element on the page and its picture."""
    title: str
    reading: str
    """What one sees, and how it was computed; or what is missing."""
    chart: Chart | None = None
    is_wide: bool = False


def figures(con: Connection, facts: Facts) -> list[Figure]:
    """Return the figures in the order of the page."""
    makers: tuple[Callable[[Connection, Facts], Figure | None], ...] = (
        _daily_active_users,
        _weekly_rhythm,
        _event_mix,
        _engagement,
        _churn_by_engagement,
        _survival_by_plan,
        _retention_by_plan,
        _retention_by_cohort,
        _conversion,
        _activity_before_churn,
        _signals_before_churn,
        _label_rate,
        _separation,
        _loads,
    )
    drawn = (maker(con, facts) for maker in makers)
    return [figure for figure in drawn if figure is not None]


def _daily_active_users(con: Connection, facts: Facts) -> Figure:
    name, title = "daily_active_users", "Daily active users"
    days = activity.daily_active_users(con)
    if days.empty:
        return Figure(name, title, NO_EVENTS, is_wide=True)
    reading = (
        f"From {days['active_users'].min():,} to {days['active_users'].max():,} users are active "
        f"on a day, {facts.active_users:,.0f} on average. A user is active on a day with at least "
        "one engagement event; the dark line is the mean of a day and the six before it."
    )
    chart = activity_charts.daily_active_users(days, facts.days_in)
    return Figure(name, title, reading, chart, is_wide=True)


def _weekly_rhythm(con: Connection, _facts: Facts) -> Figure:
    name, title = "weekly_rhythm", "The week"
    weekdays = activity.weekly_rhythm(con)
    if weekdays.empty:
        return Figure(name, title, NO_EVENTS)
    most, least = (
        weekdays.loc[weekdays["active_users"] == extreme, "weekday"].iloc[0]
        for extreme in (weekdays["active_users"].max(), weekdays["active_users"].min())
    )
    reading = (
        f"Most users are active on a {most}, fewest on a {least}: the mean of the daily active "
        "users over all days of the window that fall on each day of the week."
    )
    return Figure(name, title, reading, activity_charts.weekly_rhythm(weekdays))


def _event_mix(con: Connection, facts: Facts) -> Figure:
    name, title = "event_mix", "Event mix"
    types = activity.event_mix(con)
    if types.empty:
        return Figure(name, title, NO_EVENTS)
    reading = (
        f"{types['event_type'].iloc[0]} is the most frequent of {len(types)} event types, "
        f"{types['share'].iloc[0]:.0%} of all {facts.events:,} events."
    )
    return Figure(name, title, reading, activity_charts.event_mix(types))


def _engagement(con: Connection, facts: Facts) -> Figure:
    name, title = "engagement", "Engagement scores"
    bins = activity.engagement(con)
    if bins.empty:
        return Figure(name, title, NO_SCORE)
    source = (
        "beside Beta(2, 2.5), which the simulation draws them from and is driven by"
        if facts.is_simulated
        else "as they were loaded"
    )
    reading = (
        f"The scores of {bins['users'].sum():,} users, as a density over twentieths, {source}. "
        "The score is never a feature."
    )
    return Figure(name, title, reading, activity_charts.engagement(bins, facts.is_simulated))


def _churn_by_engagement(con: Connection, _facts: Facts) -> Figure:
    name, title = "churn_by_engagement", "Churn by engagement"
    if activity.engagement(con).empty:
        return Figure(name, title, NO_SCORE)
    deciles = churn.churn_by_engagement(con)
    if deciles.empty:
        return Figure(name, title, NO_CHURN_YET)
    reading = (
        f"Of the least engaged tenth {deciles['churn_share'].iloc[0]:.0%} churn, of the most "
        f"engaged {deciles['churn_share'].iloc[-1]:.0%}: observed churn of the users ordered by "
        "engagement score, with a 95 % interval (Wilson)."
    )
    return Figure(name, title, reading, churn_charts.churn_by_engagement(deciles))


def _survival_by_plan(con: Connection, facts: Facts) -> Figure:
    name, title = "survival_by_plan", "How long users stay, by plan"
    days = survival.periods_by_plan(con)
    if not days["events"].any():
        lacking = NO_CHURN_YET if facts.churned is None else NO_END
        return Figure(name, title, lacking, is_wide=True)
    stays = " ".join(_stay(str(plan), rows) for plan, rows in days.groupby("plan"))
    reading = (
        f"{stays} The share of users whose first period of use goes on so many days after its "
        "first (Kaplan-Meier), with a 95 % interval (Greenwood). A period ends with the last "
        f"active day before {facts.question.label_window_days} without one. Users who may have "
        "begun before the window are left out, the plan is that of the first active day, and a "
        "line ends with the plan's last churn."
    )
    return Figure(name, title, reading, churn_charts.survival_by_plan(days), is_wide=True)


def _stay(plan: str, days: pd.DataFrame) -> str:
    users, last = days["users"].iloc[0], days.iloc[-1]
    if not last["events"]:
        return f"Of {users:,} {plan} users nobody is seen to leave."
    interval = f" ({last['low']:.0%} to {last['high']:.0%})" if last["share"] else ""
    return (
        f"Of {users:,} {plan} users an estimated {last['share']:.0%}{interval} stay longer than "
        f"{last['day']:,} days."
    )


def _retention_by_plan(con: Connection, _facts: Facts) -> Figure:
    name, title = "retention_by_plan", "Retention by plan"
    weeks = activity.retention_by_plan(con)
    if weeks.empty:
        return Figure(name, title, "No user has a whole week in this data.")
    return Figure(name, title, _retention_reading(), activity_charts.retention_by_plan(weeks))


def _retention_by_cohort(con: Connection, _facts: Facts) -> Figure:
    grain = activity.cohort_grain(con)
    name, title = "retention_by_cohort", f"Retention by {grain} of signup"
    weeks = activity.retention_by_cohort(con)
    if weeks.empty:
        return Figure(name, title, "No user has a whole week in this data.")
    reading = (
        f"{_retention_reading()} At most the {MOST_COHORTS} largest cohorts are shown, and none "
        "below a tenth of the largest."
    )
    return Figure(name, title, reading, activity_charts.retention_by_cohort(weeks))


def _conversion(con: Connection, _facts: Facts) -> Figure | None:
    days = activity.conversion(con)
    if days is None:  # as in most data: no sentence takes the place of this chart
        return None
    reading = (
        f"{days['upgrades'].sum():,} of {days['users'].iloc[0]:,} free users became paid, an "
        f"estimated {days['share'].iloc[-1]:.0%} by day {days['day'].iloc[-1]:,}: the share who "
        "are paid so many days after their first day, the signup or the start of the window "
        "(Kaplan-Meier). Users who left count as free."
    )
    chart = activity_charts.conversion(days)
    return Figure("conversion", "From free to paid", reading, chart)


def _retention_reading() -> str:
    return (
        "The share of users with an active day in each week, counted from their first day: the "
        "signup, or the start of the window for those who were there before. A line ends where "
        "the window holds that week for fewer than half of its users; the axis need not start at "
        "0."
    )


def _activity_before_churn(con: Connection, facts: Facts) -> Figure:
    name, title = "activity_before_churn", f"Activity in the {DAYS_BEFORE_CHURN} days before churn"
    days = churn.before_churn(con)
    if days.empty:
        return Figure(name, title, _no_churner(facts))
    reading = (
        f"The share of {days['users'].max():,} users observed to churn who are active on each day "
        "before their last active one. Dashed: the mean over all days of the users who do not "
        "churn."
    )
    chart = churn_charts.activity_before_churn(days, churn.days_of_others(con))
    return Figure(name, title, reading, chart)


def _signals_before_churn(con: Connection, facts: Facts) -> Figure:
    name, title = "signals_before_churn", f"Signals in the {DAYS_BEFORE_CHURN} days before churn"
    days, found = churn.before_churn(con), set(activity.event_mix(con)["event_type"])
    missing = [signal for signal in SIGNALS if signal not in found]
    lacking = f"There is no {' and no '.join(missing)} event in this data." if missing else ""
    if found and len(missing) == len(SIGNALS):
        return Figure(name, title, lacking)
    if days.empty:
        return Figure(name, title, _no_churner(facts))
    signals = [signal for signal in SIGNALS if signal in found]
    chart = churn_charts.signals_before_churn(days, churn.days_of_others(con), signals)
    return Figure(name, title, _signals_reading(days, signals, lacking), chart)


def _signals_reading(days: pd.DataFrame, signals: list[str], lacking: str) -> str:
    totals = " and ".join(
        f"{(days[name] * days['users']).sum() / 100:,.0f} {name}" for name in signals
    )
    return (
        f"{totals} events fall in these days, drawn per 100 users who churn and day. "
        f"Dashed: the mean over all days of the users who do not churn. {lacking}"
    ).strip()


def _no_churner(facts: Facts) -> str:
    return NO_CHURN_YET if facts.churned is None else NO_CHURNER


def _label_rate(con: Connection, facts: Facts) -> Figure:
    name, title = "label_rate", "Label rate over time"
    days, periods = churn.label_rate(con), churn.periods(con)
    if days["label_rate"].isna().all():
        return Figure(name, title, NO_LABELS, is_wide=True)
    spans = "; ".join(
        f"{row.split} {row.first_day:%Y-%m-%d} to {row.last_day:%Y-%m-%d}"
        for row in periods.itertuples()
    )
    reading = (
        f"The share of eligible users who are not active {facts.question.window} "
        f"each day, {facts.label_rate:.2%} over all days. Shaded: {spans}. The embargo keeps "
        "label windows of training rows out of the test period."
    )
    chart = churn_charts.label_rate(days, periods, facts.days_in)
    return Figure(name, title, reading, chart, is_wide=True)


def _separation(con: Connection, facts: Facts) -> Figure:
    name, title = "separation", "The features that separate churners best"
    features = churn.separation(con)
    if features.empty:
        lacking = "The test days of this data do not hold both churners and others."
        lacking = lacking if facts.has_labels else NO_LABELS
        return Figure(name, title, lacking, is_wide=True)
    reading = (
        f"{features['feature'].iloc[0]} alone ranks a row with churn_label 1 beyond a row with 0 "
        f"in {abs(features['auc'].iloc[0] - 0.5) + 0.5:.0%} of all pairs: the area under the ROC "
        "curve (Mann-Whitney) of each single feature over the training_dataset's test days; 0.5 "
        f"is chance. The best {len(features)} are shown; rows without a value are left out."
    )
    ceiling = churn.ceiling(con) if facts.has_ceiling else None
    if ceiling is not None:
        reading += f" Dashed: the ceiling, {ceiling:.3f}, of the best possible prediction."
    chart = churn_charts.separation(features, ceiling)
    return Figure(name, title, reading, chart, is_wide=True)


def _loads(con: Connection, _facts: Facts) -> Figure:
    name, title = "loads", "What each load brought"
    brought = loads.brought(con)
    if brought.empty:
        return Figure(name, title, "No load of this data says what it brought.", is_wide=True)
    return Figure(name, title, loads.reading(brought), loads.chart(brought), is_wide=True)
