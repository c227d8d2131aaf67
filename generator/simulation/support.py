"""Support tickets: a base rate on active days, and one that announces a churn."""

from __future__ import annotations

import numpy as np

from generator.simulation.account import AccountEvents, account_events
from generator.simulation.arrays import Bools
from generator.simulation.churn import Churn
from generator.simulation.event_types import SUPPORT_TICKET
from generator.simulation.streams import BLOCK_USERS, Streams

BASE_RATE = 0.003
"""Tickets per active day of anyone: so that a ticket is a signal and not a giveaway."""

SIGNAL_SHARE = 0.4
"""Users who will churn and open a ticket before."""
SIGNAL_DAYS_AHEAD = (7, 20)
"""First and last day before the churn date on which that may be."""


def draw_tickets(active: Bools, churn: Churn, stream: Streams) -> AccountEvents:
    """Draw all tickets of one block; ``active`` has shape (BLOCK_USERS, days)."""
    return AccountEvents.concatenate([draw_base_rate(active, stream), draw_signal(churn, stream)])


def draw_base_rate(active: Bools, stream: Streams) -> AccountEvents:
    """Draw the tickets that anyone opens, on 0.3 % of active days."""
    happens = active & (stream("ticket").random(active.shape) < BASE_RATE)
    return account_events(
        happens, np.arange(active.shape[1]), SUPPORT_TICKET, stream("ticket_time")
    )


def draw_signal(churn: Churn, stream: Streams) -> AccountEvents:
    """Draw the ticket, 7 to 20 days ahead, of users who will churn."""
    first, last = SIGNAL_DAYS_AHEAD
    ahead = stream("churn_ticket_day").integers(first, last + 1, size=BLOCK_USERS)
    happens = stream("churn_ticket").random(BLOCK_USERS) < SIGNAL_SHARE
    day = churn.churn_day - ahead
    happens &= churn.churns & (day >= 0)
    return account_events(happens, day, SUPPORT_TICKET, stream("churn_ticket_time"))
