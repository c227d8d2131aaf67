"""The ceiling once more, in plain loops and written from the contract alone.

Every probability is a sum over all that is hidden: engagement, churn day, the day of either
signal, and the wait of each retry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from statistics import NormalDist

NEVER = 10**6


@dataclass
class World:
    """The settings that matter, by the names of the contract."""

    days: int
    first_weekday: int
    """Weekday of start_date, Monday is 0."""
    churn_base_rate: float
    upgrade_rate: float
    lift: float
    gap: int
    window: int
    grid: list[tuple[float, float]]
    """Engagement and its probability."""


@dataclass
class User:
    """What is visible of a user, by day from start_date."""

    signup: int
    is_paid: bool
    is_treated: bool = False
    upgraded: int | None = None
    """Day on which a free user became paid."""
    further: dict[int, int] = field(default_factory=dict)
    """Events after the login, of each active day."""
    scores: dict[int, list[float]] = field(default_factory=dict)
    succeeded: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    tickets: dict[int, int] = field(default_factory=dict)


def label_probability(world: World, user: User, today: int) -> float | None:
    """Probability of churn_label = 1 as of a day, None for a history of probability 0."""
    first, end = (7, world.days - 30) if world.days > 37 else (min(7, world.days - 1), world.days)
    account = {
        churn: of_tickets(user, churn, today)
        * of_payments(user, churn, today)
        * of_upgrade(world, user, churn, today)
        for churn in [*range(first, end), NEVER]
    }
    whole = churned = 0.0
    for score, weight in world.grid:
        engagement = min(score * (1 + world.lift), 1.0) if user.is_treated else score
        churns = world.churn_base_rate * (1 - engagement) * (0.9 if user.is_paid else 1.0)
        for churn, of_account in account.items():
            prior = 1 - churns if churn == NEVER else churns / (end - first)
            seen = of_account and of_learning(world, user, engagement, churn, today)
            whole += weight * prior * seen * of_account
            empty = math.prod(
                1 - active_probability(world, engagement, churn, day)
                for day in range(today + world.gap + 1, today + world.gap + world.window + 1)
            )
            churned += weight * prior * seen * of_account * empty
    return churned / whole if whole else None


def active_probability(world: World, engagement: float, churn: int, day: int) -> float:
    probability = 0.5 + 0.3 * engagement
    if (world.first_weekday + day) % 7 < 5:
        probability = min(probability * 1.2, 1.0)
    ahead = churn - day
    if ahead <= 0:
        return 0.0
    if ahead <= 14:  # a quarter one day ahead, all of it 15 days ahead
        probability *= 0.25 + 0.75 * (ahead - 1) / 14
    return probability


def of_learning(world: World, user: User, engagement: float, churn: int, today: int) -> float:
    likelihood = 1.0
    for day in range(today + 1):
        active = active_probability(world, engagement, churn, day)
        if day not in user.further:
            likelihood *= 1 - active
            continue
        count, rate = user.further[day], 2 * engagement
        likelihood *= active * math.exp(-rate) * rate**count / math.factorial(count)
        for score in user.scores.get(day, []):
            likelihood *= of_score(engagement, score)
    return likelihood


def of_score(engagement: float, score: float) -> float:
    normal = NormalDist(50 + 30 * engagement, 15)
    low = 0.0 if score == 0 else normal.cdf(score - 0.05)
    high = 1.0 if score == 100 else normal.cdf(score + 0.05)
    return high - low


def of_tickets(user: User, churn: int, today: int) -> float:
    likelihood = 0.0
    for share, signal in signals(0.4, churn, range(7, 21)):
        chance = share
        for day in range(today + 1):
            base = user.tickets.get(day, 0) - (day == signal)
            rate = 0.003 if day in user.further else 0.0
            chance *= {0: 1 - rate, 1: rate}.get(base, 0.0)
            if base or day == signal:
                chance *= day < churn
        likelihood += chance
    return likelihood


def of_payments(user: User, churn: int, today: int) -> float:
    """Sum over the signal and, for every charge, over its outcome and its wait for a retry."""
    upgraded = NEVER if user.upgraded is None else user.upgraded
    paid_from = user.signup if user.is_paid else upgraded
    due = [paid_from + 30 * j for j in range(1, 100)]
    due = [day for day in due if 0 <= day <= today and day < churn]
    likelihood = 0.0
    for share, announced in signals(0.6, churn, range(14, 28)):
        signal = None if announced is None or announced < paid_from else announced
        for outcomes in product([0, 1, 2, 3], repeat=len(due)):
            chance = share
            succeeded: dict[int, int] = {}
            failed: dict[int, int] = {} if signal is None or signal > today else {signal: 1}
            for day, wait in zip(due, outcomes, strict=True):
                chance *= 0.03 / 3 if wait else 0.97
                if wait:
                    failed[day] = failed.get(day, 0) + 1
                if day + wait < churn and day + wait <= today:
                    succeeded[day + wait] = succeeded.get(day + wait, 0) + 1
            if (succeeded, failed) == (until(user.succeeded, today), until(user.failed, today)):
                likelihood += chance
    return likelihood


def of_upgrade(world: World, user: User, churn: int, today: int) -> float:
    """Sum over the day that a free user drew, and over drawing none."""
    seen = None if user.upgraded is None or user.upgraded > today else user.upgraded
    if user.is_paid:
        return float(seen is None)
    likelihood = 1 - world.upgrade_rate if seen is None else 0.0
    for day in range(1, world.days):
        shows = day if day < churn and day <= today else None
        if shows == seen:
            likelihood += world.upgrade_rate / (world.days - 1)
    return likelihood


def signals(share: float, churn: int, ahead: Iterable[int]) -> list[tuple[float, int | None]]:
    """Probability of each day of a signal; one before the first day is left out."""
    if churn == NEVER:
        return [(1.0, None)]
    days = [churn - each for each in ahead]
    chances: list[tuple[float, int | None]] = [
        (share / len(days), day if day >= 0 else None) for day in days
    ]
    return [(1 - share, None), *chances]


def until(events: dict[int, int], today: int) -> dict[int, int]:
    return {day: count for day, count in events.items() if day <= today and count}
