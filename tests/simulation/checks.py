"""Every promise of the simulation as a check on a world, so that a wrong simulator can be tried.

Each check recomputes the promise from its description and names the failing number.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from tests.simulation.world import (
    ENGAGEMENT,
    LEARNING,
    LIMIT_P,
    World,
    assert_binomial,
    assert_share,
    assert_uniform,
)

COURSES = {
    "k8s-mastery",
    "devops-warrior",
    "mlops-foundation",
    "argo-cd",
    "terraform",
    "linux-pro",
    "observability",
}


def check_users(world: World) -> None:
    users, settings = world.users, world.settings
    p = stats.kstest(users.engagement_score, stats.beta(2, 2.5).cdf).pvalue
    assert p > LIMIT_P, f"engagement is not Beta(2, 2.5): Kolmogorov-Smirnov p = {p:.2g}"
    assert_binomial("paid users", users.is_paid.sum(), len(users), settings.paid_ratio)
    assert (users.is_paid == (users.plan == "paid")).all()
    assert_uniform("country", users.country, ["IN", "US", "UK", "CA", "AU", "SG"])
    sources = ["organic", "referral", "ads", "youtube", "community"]
    assert_uniform("marketing source", users.marketing_source, sources)
    spread = max(30, settings.days // 3)
    assert_uniform("signup day", -users.signup_day, list(range(spread)))


def check_churn_rate(world: World) -> None:
    users = world.users
    p = world.settings.churn_base_rate * (1 - users.engagement_score)
    p = p * np.where(users.plan == "paid", 0.9, 1.0)
    np.testing.assert_allclose(users.churn_probability, p, rtol=1e-12)
    decile = pd.qcut(users.engagement_score, 10, labels=False)
    for number, group in p.groupby(decile):
        hits = users.churn_date[group.index].notna().sum()
        variance = (group * (1 - group)).sum()
        assert_share(f"churners in engagement decile {number}", hits, group.sum(), variance)


def check_churn_days(world: World) -> None:
    days = world.settings.days
    first, end = (7, days - 30) if days > 37 else (min(7, days - 1), days)
    churn_day = world.users.churn_day.dropna().astype(int)
    assert_uniform("churn day", churn_day, list(range(first, end)))


def check_nothing_from_the_churn_date_on(world: World) -> None:
    churn_day = world.users.churn_day.reindex(world.events.user_id).to_numpy()
    late = world.events[world.events.day.to_numpy() >= churn_day]
    assert late.empty, f"{len(late)} events on or after the churn date, such as\n{late.head(3)}"


def check_active_rates(world: World) -> None:
    """By weekday, by engagement decile, and by days ahead of the churn."""
    p, active = world.active_probability, world.active
    groups = {
        "Monday to Friday": np.broadcast_to(~world.weekend, p.shape),
        "weekend": np.broadcast_to(world.weekend, p.shape),
    }
    decile = pd.qcut(world.users.engagement_score, 10, labels=False).to_numpy()
    groups |= {f"engagement decile {i}": (decile == i)[:, None] & (p >= 0) for i in range(10)}
    groups |= {f"{k} days before churn": world.days_to_churn == k for k in range(1, 22)}
    for name, cells in groups.items():
        chance = p[cells]
        variance = (chance * (1 - chance)).sum()
        assert_share(f"active days, {name}", active[cells].sum(), chance.sum(), variance)


def check_weekday_ratio(world: World) -> None:
    """Among users who stay, a weekday has 1.2 times the active days of a weekend day."""
    active = world.active[world.users.churn_date.isna().to_numpy()]
    on, off = active[:, ~world.weekend].sum(), active[:, world.weekend].sum()
    cells_on, cells_off = len(active) * (~world.weekend).sum(), len(active) * world.weekend.sum()
    # on - 1.2 * off * (cells ratio) has expectation 0; binomial variances bound its spread
    weight = 1.2 * cells_on / cells_off
    variance = on * (1 - on / cells_on) + weight**2 * off * (1 - off / cells_off)
    assert_share("weekday events against 1.2 x weekend", on, weight * off, variance)


def check_order_of_the_day(world: World) -> None:
    events = world.events
    same_user = events.user_id.diff() == 0
    jumps = (events.event_id.diff()[same_user] != 1).sum()
    assert jumps == 0, f"{jumps} ids do not count on within their user"
    first_ids = events.event_id[~same_user]
    assert (first_ids == events.user_id[~same_user].astype("int64") * 100_000).all()
    backwards = (events.event_time.diff() < pd.Timedelta(0)) & same_user
    assert not backwards.any(), f"{backwards.sum()} events stand before an earlier one"

    engagement = world.of(*ENGAGEMENT)
    day_starts = ~engagement.duplicated(["user_id", "day"])
    others = (engagement.event_type[day_starts] != "login").sum()
    assert others == 0, f"{others} days start with something else than their login"
    gap = engagement.event_time.diff()[~day_starts]
    assert (gap > pd.Timedelta(0)).all(), f"{(gap <= pd.Timedelta(0)).sum()} gaps are not positive"


def check_hours(world: World) -> None:
    login = world.of("login").second / 3600
    assert login.between(7, 23).all()
    p = stats.kstest(login, stats.uniform(7, 16).cdf).pvalue
    assert p > LIMIT_P, f"logins are not uniform over 07:00 to 23:00: p = {p:.2g}"
    account = world.of("payment_success", "payment_failed", "support_ticket").second
    assert account.between(7 * 3600, 86399).all()
    p = stats.kstest(account / 3600, stats.uniform(7, 17).cdf).pvalue
    assert p > LIMIT_P, f"payments and tickets are not uniform over the day: p = {p:.2g}"
    assert world.events.second.between(7 * 3600, 86399).all()


def check_further_events(world: World) -> None:
    """Events after the login are Poisson(2 * engagement), in every engagement quintile."""
    counts, engagement = world.further_per_active_day()
    for name, cells in pd.Series(engagement).groupby(pd.qcut(engagement, 5)).indices.items():
        pmf = stats.poisson.pmf(np.arange(12)[:, None], 2 * engagement[cells]).sum(axis=1)
        expected = np.append(pmf, len(cells) - pmf.sum())
        observed = np.bincount(np.minimum(counts[cells], 12), minlength=13)
        common = expected >= 10  # a chi-square test needs filled classes
        expected = np.append(expected[common], expected[~common].sum())
        observed = np.append(observed[common], observed[~common].sum())
        p = stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue
        assert p > LIMIT_P, f"further events at engagement {name}: p = {p:.2g}"


def check_mix(world: World) -> None:
    """Between the first enrolment and the seventh, types come as drawn: 65, 25 and 10 in 100."""
    learning = world.of(*LEARNING)
    is_enrol = learning.event_type == "course_enroll"
    taken_before = is_enrol.groupby(learning.user_id).cumsum() - is_enrol
    between = learning.event_type[taken_before.between(1, 6)]
    for event_type, share in {
        "video_watch": 0.65,
        "quiz_attempt": 0.25,
        "course_enroll": 0.1,
    }.items():
        hits = (between == event_type).sum()
        assert_binomial(f"drawn {event_type}", hits, len(between), share)
    after_all = learning.event_type[taken_before >= 7]
    assert_binomial(
        "videos with all courses", (after_all == "video_watch").sum(), len(after_all), 0.75
    )
    first = learning.event_type[~learning.user_id.duplicated()]
    assert (first == "course_enroll").all(), "the first learning event enrols"


def check_courses(world: World) -> None:
    learning = world.of(*LEARNING)
    assert set(learning.course_name) == COURSES
    assert world.events.course_name[~world.events.event_type.isin(LEARNING)].isna().all()
    enrolments = learning[learning.event_type == "course_enroll"]
    twice = enrolments.duplicated(["user_id", "course_name"]).sum()
    assert twice == 0, f"{twice} enrolments in a course that was taken before"
    keys = ["user_id", "course_name"]
    since = enrolments.set_index(keys).event_id
    others = learning[learning.event_type != "course_enroll"]
    enrolled_at = since.reindex(pd.MultiIndex.from_frame(others[keys])).to_numpy()
    early = ~(others.event_id.to_numpy() > enrolled_at)
    assert not early.any(), f"{early.sum()} events in a course before its enrolment"


def check_course_choice(world: World) -> None:
    """Uniform over the courses not yet taken, and over those enrolled in."""
    enrolments = world.of("course_enroll")
    first = enrolments.drop_duplicates("user_id").course_name
    assert_uniform("first course", first, sorted(COURSES))
    learning = world.of(*LEARNING)
    is_enrol = learning.event_type == "course_enroll"
    rank = (enrolments.groupby("user_id").cumcount()).rename("rank")
    ranks = enrolments.assign(rank=rank).set_index(["user_id", "course_name"])["rank"]
    enrolled = is_enrol.groupby(learning.user_id).cumsum()[~is_enrol]
    others = learning[~is_enrol]
    chosen = ranks.reindex(pd.MultiIndex.from_frame(others[["user_id", "course_name"]]))
    for number in range(2, 8):
        choices = pd.Series(chosen.to_numpy()[(enrolled == number).to_numpy()])
        assert_uniform(f"course of {number}", choices, list(range(number)))


def check_measures(world: World) -> None:
    events = world.events
    is_video, is_quiz = events.event_type == "video_watch", events.event_type == "quiz_attempt"
    is_payment = events.event_type.isin(["payment_success", "payment_failed"])
    assert (events.watch_minutes.notna() == is_video).all()
    assert (events.quiz_score.notna() == is_quiz).all()
    assert (events.amount.notna() == is_payment).all()
    minutes = events.watch_minutes[is_video]
    assert minutes.between(5, 60).all()
    assert ((minutes * 10).round() / 10 == minutes).all(), "minutes have one decimal"
    middle = minutes[minutes.between(5.1, 59.9)]  # the two ends stand for half a class each
    assert_uniform("minutes", (middle * 10).round().astype(int), list(range(51, 600)))
    check_scores(world, events.loc[is_quiz, ["user_id", "quiz_score"]])


def check_scores(world: World, quizzes: pd.DataFrame) -> None:
    score = quizzes.quiz_score
    assert score.between(0, 100).all()
    assert ((score * 10).round() / 10 == score).all(), "scores have one decimal"
    engagement = world.users.engagement_score.reindex(quizzes.user_id).to_numpy()
    standardised = stats.norm.cdf((score.to_numpy() - 50 - 30 * engagement) / 15)
    inside = score.between(0.1, 99.9).to_numpy()  # the clipped ends are not uniform
    low = stats.norm.cdf((0.05 - 50 - 30 * engagement) / 15)[inside]
    high = stats.norm.cdf((99.95 - 50 - 30 * engagement) / 15)[inside]
    quantile = (standardised[inside] - low) / (high - low)
    p = stats.kstest(quantile, stats.uniform.cdf).pvalue
    assert p > LIMIT_P, f"quiz scores are not Normal(50 + 30 e, 15): p = {p:.2g}"
    clipped = stats.norm.sf((99.95 - 50 - 30 * engagement) / 15)
    variance = (clipped * (1 - clipped)).sum()
    assert_share("scores of 100", (score == 100).sum(), clipped.sum(), variance)


CHECKS = [check for name, check in globals().items() if name.startswith("check_")]
CHECKS.remove(check_scores)
