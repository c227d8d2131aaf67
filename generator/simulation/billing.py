"""Charges of paid users: renewals, retries, and the failed payment that announces a churn."""

from __future__ import annotations

import numpy as np

from generator.settings import Settings
from generator.simulation.account import AccountEvents, account_events
from generator.simulation.arrays import Ints
from generator.simulation.churn import Churn
from generator.simulation.event_types import PAYMENT_FAILED, PAYMENT_SUCCESS
from generator.simulation.streams import BLOCK_USERS, Streams
from generator.simulation.upgrades import Upgrades, is_paid_on
from generator.simulation.users import Users

PRICE = 999.00
"""Amount of every charge, in the platform's one currency."""
BILLING_CYCLE_DAYS = 30
SUCCESS_SHARE = 0.97
"""Charges that succeed at once; the others are retried."""
LONGEST_RETRY_DAYS = 3
SIGNAL_SHARE = 0.6
"""Users who will churn and, being paid then, fail to pay once before."""
SIGNAL_DAYS_AHEAD = (14, 27)
"""First and last day before the churn date on which that may be."""


def draw_payments(
    settings: Settings, users: Users, churn: Churn, upgrades: Upgrades, stream: Streams
) -> AccountEvents:
    """Draw all payments of one block, in no particular order."""
    renewals, retries = draw_renewals(settings, users, churn, upgrades, stream)
    signal = draw_signal(users, churn, upgrades, stream)
    return AccountEvents.concatenate([renewals, retries, signal])


def draw_renewals(
    settings: Settings, users: Users, churn: Churn, upgrades: Upgrades, stream: Streams
) -> tuple[AccountEvents, AccountEvents]:
    """Draw the charges every 30 days from signup or upgrade, and the retries of those that failed.

    A charge before start_date is not simulated and neither is its retry; nothing is charged on or
    after the churn date or past the window.
    """
    day = renewal_days(settings, np.where(upgrades.happens, upgrades.day, users.signup_day))
    fails = stream("payment_outcome").random(day.shape) >= SUCCESS_SHARE
    wait = stream("payment_retry").integers(1, LONGEST_RETRY_DAYS + 1, size=day.shape)
    end = np.minimum(churn.churn_day, settings.days)[:, None]
    is_charged = (users.is_paid | upgrades.happens)[:, None] & (day < end)
    is_retried = is_charged & fails & (day + wait < end)
    outcome = np.where(fails, PAYMENT_FAILED, PAYMENT_SUCCESS)
    retry_time = stream("payment_retry_time")
    return (
        account_events(is_charged, day, outcome, stream("payment_time"), PRICE),
        account_events(is_retried, day + wait, PAYMENT_SUCCESS, retry_time, PRICE),
    )


def renewal_days(settings: Settings, paid_from: Ints) -> Ints:
    """Return the days of the charges from start_date on, shape (BLOCK_USERS, cycles).

    The last column may lie past the window; the first charge comes 30 days after the user became
    paid, by signup or by upgrade.
    """
    cycles_before = np.maximum(-(paid_from // BILLING_CYCLE_DAYS), 1)  # ceil(-paid_from / 30)
    cycle = cycles_before[:, None] + np.arange(settings.days // BILLING_CYCLE_DAYS + 1)
    return paid_from[:, None] + BILLING_CYCLE_DAYS * cycle


def draw_signal(users: Users, churn: Churn, upgrades: Upgrades, stream: Streams) -> AccountEvents:
    """Draw the failed payment, 14 to 27 days ahead, of users who will churn and are paid then."""
    first, last = SIGNAL_DAYS_AHEAD
    ahead = stream("churn_payment_day").integers(first, last + 1, size=BLOCK_USERS)
    happens = stream("churn_payment").random(BLOCK_USERS) < SIGNAL_SHARE
    day = churn.churn_day - ahead
    happens &= churn.churns & is_paid_on(day, users, upgrades) & (day >= 0)
    return account_events(happens, day, PAYMENT_FAILED, stream("churn_payment_time"), PRICE)
