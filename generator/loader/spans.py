"""Spans of days: what a load changed."""

from __future__ import annotations

from datetime import date, timedelta

from generator.loader.changes import changes_of
from generator.loader.staging import Staging
from generator.warehouse.file import Connection
from generator.warehouse.sql import one_row
from generator.warehouse.tables import EVENTS

Span = tuple[date | None, date | None]
"""First and last day; both None when there is none."""


def event_days(con: Connection) -> Span:
    """Return the first and the last day with an event."""
    return _span(con, "event_date", EVENTS.name)


def touched_days(users: Staging, events: Staging, before: Span, after: Span) -> Span:
    """Return the first and last day that an append changed.

    These are the days of its events, for its users every day from their signup on, for changes
    every day from their valid_from on, and the days by which the window grew, which are days of
    all users.

    Parameters
    ----------
    users, events
        What was appended.
    before, after
        The days with events before and after.
    """
    spans = [_span(events.con, "event_date", f"{events.name} where fault is null")]
    for column, rows in (("signup_date", users.good), ("valid_from", changes_of(users))):
        first, last = _span(users.con, column, rows)
        if first and last:
            spans.append((first, max(last, after[1] or last)))
    if before[0] and before[1] and after[0] and after[1]:
        if after[1] > before[1]:
            spans.append((before[1] + timedelta(days=1), after[1]))
        if after[0] < before[0]:
            spans.append((after[0], before[0] - timedelta(days=1)))
    firsts = [first for first, _ in spans if first]
    lasts = [last for _, last in spans if last]
    return min(firsts, default=None), max(lasts, default=None)


def _span(con: Connection, column: str, rows: str) -> Span:
    first, last = one_row(con, f"select min({column}), max({column}) from {rows}")
    return first, last
