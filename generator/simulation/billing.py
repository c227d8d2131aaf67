"""Charges of paid users: renewals, retries, and the failed payment that announces a churn."""

from __future__ import annotations

import numpy as np

from generator.settings import Settings
from generator.simulation.account import AccountEvents, account_events
from generator.simulation.arrays import Bools, Ints
from generator.simulation.churn import Churn
from generator.simulation.event_types import PAYMENT_FAILED, PAYMENT_SUCCESS
from generator.simulation.streams import BLOCK_USERS, Streams
from generator.simulation.upgrades import Upgrades
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
    """Draw all payments of one block, in no particular order.

    What follows an upgrade has streams of its own, so that it moves nobody else's payment.
    """
    return AccountEvents.concatenate(
        [
            *draw_renewals(settings, users.is_paid, users.signup_day, churn, stream, "payment"),
            *draw_renewals(
                settings, upgrades.happens, upgrades.day, churn, stream, "upgrade_payment"
            ),
            *draw_signals(users, churn, upgrades, stream),
        ]
    )


def draw_renewals(
    settings: Settings, is_paid: Bools, paid_from: Ints, churn: Churn, stream: Streams, name: str
) -> tuple[AccountEvents, AccountEvents]:
    """Draw the charges every 30 days from a day on, and the retries of those that failed.

    A charge before start_date is not simulated and neither is its retry; nothing is charged on or
    after the churn date or past the window.

    Parameters
    ----------
    is_paid, paid_from
        Who pays, and days from start_date to the signup or the upgrade; shape (BLOCK_USERS,).
    name
        Begins the names of the streams.
    """
    day = renewal_days(settings, paid_from)
    fails = stream(f"{name}_outcome").random(day.shape) >= SUCCESS_SHARE
    wait = stream(f"{name}_retry").integers(1, LONGEST_RETRY_DAYS + 1, size=day.shape)
    end = np.minimum(churn.churn_day, settings.days)[:, None]
    is_charged = is_paid[:, None] & (day < end)
    is_retried = is_charged & fails & (day + wait < end)
    outcome = np.where(fails, PAYMENT_FAILED, PAYMENT_SUCCESS)
    retry_time = stream(f"{name}_retry_time")
    return (
        account_events(is_charged, day, outcome, stream(f"{name}_time"), PRICE),
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


def draw_signals(
    users: Users, churn: Churn, upgrades: Upgrades, stream: Streams
) -> tuple[AccountEvents, AccountEvents]:
    """Draw the failed payment, 14 to 27 days ahead, of users who will churn and are paid then.

    Of those who were paid at signup, and of the upgraded.
    """
    first, last = SIGNAL_DAYS_AHEAD
    ahead = stream("churn_payment_day").integers(first, last + 1, size=BLOCK_USERS)
    happens = stream("churn_payment").random(BLOCK_USERS) < SIGNAL_SHARE
    day = churn.churn_day - ahead
    happens &= churn.churns & (day >= 0)
    upgraded = happens & (upgrades.day <= day)
    upgraded_time = stream("upgrade_churn_payment_time")
    return (
        account_events(
            happens & users.is_paid, day, PAYMENT_FAILED, stream("churn_payment_time"), PRICE
        ),
        account_events(upgraded, day, PAYMENT_FAILED, upgraded_time, PRICE),
    )
