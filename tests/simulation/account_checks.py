"""Every promise about plans, payments and tickets, as checks like those of ``checks.py``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.simulation.world import World, assert_binomial, assert_share, assert_uniform


def check_upgrades(world: World) -> None:
    """Free users become paid once at most, at the rate, on a uniform day before they churn."""
    users, days, rate = world.users, world.settings.days, world.settings.upgrade_rate
    changes = world.changes
    if rate == 0:
        assert changes.empty, f"{len(changes)} upgrades without a rate"
        return
    assert changes.user_id.is_unique, "one upgrade a user"
    before = users.loc[changes.user_id]
    paid = (before.plan == "paid").sum()
    assert paid == 0, f"{paid} upgrades of users who were paid"
    assert (changes.plan == "paid").all()
    assert (changes.is_paid == 1).all()
    for attribute in ("country", "marketing_source"):
        assert (changes[attribute].to_numpy() == before[attribute].to_numpy()).all(), attribute
    late = (changes.day.to_numpy() >= before.churn_day.fillna(np.inf).to_numpy()).sum()
    assert late == 0, f"{late} upgrades on or after the churn date"

    free = users[users.plan == "free"]
    end = free.churn_day.fillna(days).clip(upper=days)
    chance = rate * (end - 1) / (days - 1)
    for name, some in (("churners", free.churn_day.notna()), ("others", free.churn_day.isna())):
        found = changes.user_id.isin(free.index[some]).sum()
        p = chance[some]
        assert_share(f"upgrades of {name}", found, p.sum(), (p * (1 - p)).sum())
    stayed = changes.day[before.churn_day.isna().to_numpy()]
    assert_uniform("day of the upgrade", stayed, list(range(1, days)))


def check_payments(world: World) -> None:
    users, days = world.users, world.settings.days
    payments = world.of("payment_success", "payment_failed")
    assert (payments.amount == 999.0).all()
    assert users.paid_from[payments.user_id].notna().all(), "only paid users are charged"
    assert (payments.day >= users.paid_from[payments.user_id].to_numpy()).all(), "from then on"

    end = users.churn_day.fillna(days).clip(upper=days)
    paid = users[users.paid_from.notna()]
    due = {
        (user, day)
        for user, start, last in zip(paid.user_id, paid.paid_from, end[paid.index], strict=True)
        for day in range(int(start) + 30, int(last), 30)
        if day >= 0
    }
    stays = payments[users.churn_date.isna()[payments.user_id].to_numpy()]
    since = (stays.day.to_numpy() - users.paid_from[stays.user_id].to_numpy()).astype(int)
    charges = stays[since % 30 == 0]
    stayers_due = {key for key in due if pd.isna(users.churn_date[key[0]])}
    assert set(zip(charges.user_id, charges.day, strict=True)) == stayers_due
    assert len(charges) == len(stayers_due), "one charge a cycle"
    succeeded = (charges.event_type == "payment_success").sum()
    assert_binomial("charges that succeed", succeeded, len(charges), 0.97)
    check_retries(stays, since, days)


def check_retries(payments: pd.DataFrame, since: np.ndarray, days: int) -> None:
    """Every failed charge of a user who stays is paid 1 to 3 days later, or past the window."""
    is_retry = since % 30 != 0
    retries = payments[is_retry]
    assert (retries.event_type == "payment_success").all()
    wait = pd.Series(since[is_retry] % 30, index=retries.index)
    failed = payments[payments.event_type == "payment_failed"]
    retried = set(zip(retries.user_id, retries.day - wait, strict=True))
    failed_keys = set(zip(failed.user_id, failed.day, strict=True))
    assert retried <= failed_keys, "a retry follows a failed charge"
    lost = [key for key in failed_keys - retried if key[1] < days - 3]
    assert not lost, f"{len(lost)} failed charges were not retried"
    inside = wait[(retries.day - wait) < days - 3]
    assert_uniform("days to the retry", inside, [1, 2, 3])


def check_churn_signals(world: World) -> None:
    """Failed payments and tickets ahead of the churn, at their rates and distances."""
    users = world.users
    churners = users[users.churn_day >= 28]  # the whole range of the signals lies in the window
    settings = {"payment_failed": (14, 27, 0.6), "support_ticket": (7, 20, 0.4)}
    for event_type, (first, last, share) in settings.items():
        for k in range(first, last + 1):
            found, expected = _signals(world, event_type, churners, k, share / (last - first + 1))
            assert_share(f"{event_type} {k} days before churn", found, expected, expected)


def check_signals_after_an_upgrade(world: World) -> None:
    """An upgraded user who will churn fails to pay like a user who was always paid."""
    users = world.users
    upgraded = users[(users.churn_day >= 28) & (users.plan == "free") & users.paid_from.notna()]
    if not len(upgraded):
        return
    days = range(14, 28)
    totals = [_signals(world, "payment_failed", upgraded, k, 0.6 / len(days)) for k in days]
    found, expected = np.sum(totals, axis=0)
    assert_share("failed payments after an upgrade", found, expected, expected)


def _signals(
    world: World, event_type: str, churners: pd.DataFrame, ahead: int, share: float
) -> tuple[int, float]:
    """Events so many days before the churn of those who can have them, and how many to expect."""
    day = (churners.churn_day - ahead).astype(int)
    pool = churners[day >= churners.paid_from] if event_type == "payment_failed" else churners
    events = world.of(event_type)
    events = events[events.user_id.isin(pool.index)]
    found = (events.day.to_numpy() == day[events.user_id].to_numpy()).sum()
    return found, len(pool) * share + _base_rate(world, event_type, pool, ahead)


def _base_rate(world: World, event_type: str, pool: pd.DataFrame, ahead: int) -> float:
    """Expected events that have nothing to do with the churn, so many days ahead of it."""
    day = (pool.churn_day - ahead).astype(int)
    if event_type == "support_ticket":
        return 0.003 * world.active[pool.index - 1, day].sum()
    cycle = day - pool.paid_from
    return 0.03 * ((cycle % 30 == 0) & (cycle > 0)).sum()


def check_base_rate_tickets(world: World) -> None:
    stays = world.users.churn_date.isna().to_numpy()
    tickets = world.of("support_ticket")
    tickets = tickets[stays[tickets.user_id - 1]]
    assert world.active[tickets.user_id - 1, tickets.day].all(), "on active days only"
    assert_binomial("base-rate tickets", len(tickets), world.active[stays].sum(), 0.003)


CHECKS = [check for name, check in globals().items() if name.startswith("check_")]
CHECKS.remove(check_retries)
