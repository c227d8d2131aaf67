"""What becomes of each row besides its own cells: unknown users, signups, and rows that repeat."""

from __future__ import annotations

from generator.loader.changes import check_rows_of_users
from generator.loader.marks import KeyRule, check_key, mark
from generator.loader.rules import IGNORED, REPEATED, VALID_FROM
from generator.loader.staging import Staging
from generator.loader.table_rules import (
    BEFORE_SIGNUP,
    DUPLICATE_EVENT,
    EVENT_EXISTS,
    UNKNOWN_USER,
    USER_KEY,
)
from generator.warehouse.sql import one_row, quoted
from generator.warehouse.tables import EVENTS, USERS

UNKNOWN_ATTRIBUTES = {"plan": "free", "country": "unknown", "marketing_source": "unknown"}
"""What is stored of a user that comes from events, where the mapping says nothing else."""


def check_users(users: Staging, append: bool) -> None:
    """Mark the rows of users that are not loaded, and list the known users."""
    check_rows_of_users(users, append)
    stored = f"union all select user_id, signup_date from {USERS.name}" if append else ""
    users.con.execute(
        f"""
        create temp table known_users as
        select user_id, signup_date from {users.good} {stored}
        """
    )


def check_events(events: Staging, append: bool, creates_users: bool = False) -> None:
    """Mark the events without a user, before their user's signup, or with a key not their own.

    Where events create their users, nobody is unknown.
    """
    if not creates_users:
        mark(events, UNKNOWN_USER, "user_id not in (select user_id from temp.known_users)")
    too_early = f"""rowid in (
        select early.rowid from {events.name} as early
        inner join temp.known_users using (user_id)
        where early.fault is null and early.event_date < known_users.signup_date
    )"""
    mark(events, BEFORE_SIGNUP, too_early)
    check_key(events, EVENTS, append, KeyRule(EVENT_EXISTS, DUPLICATE_EVENT))


def create_users(users: Staging, events: Staging) -> None:
    """Add the users that only events know, as of the day of their first event."""
    names = [*users.rules.table.column_names, *users.rules.staged]
    said = {
        name: (entry and entry.default) or other
        for name, other in UNKNOWN_ATTRIBUTES.items()
        for entry in [users.mapping and users.mapping.entry(name)]
    }
    plan = said["plan"].lower()
    values = {
        "user_id": "user_id",
        "signup_date": "min(event_date)",
        "plan": quoted(plan),
        "is_paid": str(int(plan == "paid")),
        "country": quoted(said["country"]),
        "marketing_source": quoted(said["marketing_source"]),
        "engagement_score": "null",
        VALID_FROM: "null",
        USER_KEY: f"any_value({USER_KEY})",
    }
    [users.created_rows] = one_row(
        users.con,
        f"""
        insert into {users.name} ({", ".join(names)})
        select {", ".join(values[name] for name in names)}
        from {events.name}
        where fault is null and user_id not in (select user_id from temp.known_users)
        group by user_id order by user_id
        """,
    )


def outcomes(staging: Staging) -> dict[str, int]:
    """Return how many rows were read, and what became of them; the rest add up to those read."""
    loaded, repeated, ignored, rejected = one_row(
        staging.con,
        f"""
        select
            count(*) filter (where fault is null),
            count(*) filter (where fault = {REPEATED}),
            count(*) filter (where fault = {IGNORED}),
            count(*) filter (where {staging.rejected})
        from {staging.name} where rowid < {staging.rows_read}  -- the others stand in no file
        """,
    )
    return {
        "read": staging.rows_read,
        "loaded": loaded,
        "repeated": repeated,
        "ignored": ignored,
        "rejected": rejected,
    }
