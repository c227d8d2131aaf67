"""What becomes of each row besides its own cells: unknown users, signups, and rows that repeat."""

from __future__ import annotations

from generator.loader.rules import IGNORED, REPEATED, Fault
from generator.loader.staging import Staging
from generator.loader.table_rules import BEFORE_SIGNUP, DUPLICATE, EXISTS, UNKNOWN_USER, USER_KEY
from generator.warehouse.sql import one_row, quoted
from generator.warehouse.tables import USERS

UNKNOWN_ATTRIBUTES = {"plan": "free", "country": "unknown", "marketing_source": "unknown"}
"""What is stored of a user that comes from events, where the mapping says nothing else."""


def check_users(users: Staging, append: bool) -> None:
    """Mark the users whose id is stored already or stands again, and list the known ones."""
    _check_key(users, append)
    stored = f"union all select user_id, signup_date from {USERS.name}" if append else ""
    users.con.execute(
        f"""
        create temp table known_users as
        select user_id, signup_date from {users.name} where fault is null {stored}
        """
    )


def check_events(events: Staging, append: bool, creates_users: bool = False) -> None:
    """Mark the events without a user, before their user's signup, or with a key not their own.

    Where events create their users, nobody is unknown.
    """
    if not creates_users:
        _mark(events, UNKNOWN_USER, "user_id not in (select user_id from temp.known_users)")
    too_early = f"""rowid in (
        select early.rowid from {events.name} as early
        inner join temp.known_users using (user_id)
        where early.fault is null and early.event_date < known_users.signup_date
    )"""
    _mark(events, BEFORE_SIGNUP, too_early)
    _check_key(events, append)


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
        from {staging.name}
        """,
    )
    return {
        "read": staging.rows_read,
        "loaded": loaded - staging.created_rows,
        "repeated": repeated,
        "ignored": ignored,
        "rejected": rejected,
    }


def _check_key(staging: Staging, append: bool) -> None:
    """Mark the rows whose key is stored or stood before: the same content is only repeated.

    The joins by content are worth it only where there are such rows.
    """
    key, table = staging.rules.table.key, staging.rules.table.name
    faults = {fault.reason: fault for fault in staging.rules.late_faults}
    con, good = staging.con, f"from {staging.name} where fault is null"
    if append:
        con.execute(
            f"""
            create or replace temp table first_rows as
            select * from {table} where {key} in (select {key} {good})
            """
        )
        _mark_again(staging, faults[EXISTS.format(key)])
    several = f"select {key} {good} group by {key} having count(*) > 1"
    if con.execute(f"{several} limit 1").fetchall():
        con.execute(
            f"""
            create or replace temp table first_rows as
            select rowid as first_row, * exclude (fault, offender) from {staging.name}
            where rowid in (
                select min(rowid) {good} and {key} in ({several}) group by {key}
            )
            """
        )
        _mark_again(staging, faults[DUPLICATE.format(key)], "and staged.rowid <> first_row")


def _mark_again(staging: Staging, fault: Fault, condition: str = "") -> None:
    """Mark the good rows that have the key of one of ``first_rows``."""
    key = staging.rules.table.key
    same = " and ".join(
        f"staged.{column} is not distinct from first_rows.{column}"
        for column in staging.compared_columns
    )
    staging.con.execute(
        f"""
        update {staging.name} as staged
        set fault = case when {same} then {REPEATED} else {staging.rules.number(fault)} end,
            offender = cast(staged.{fault.column} as varchar)
        from temp.first_rows
        where staged.fault is null and staged.{key} = first_rows.{key} {condition}
        """
    )


def _mark(staging: Staging, fault: Fault, condition: str) -> None:
    staging.con.execute(
        f"""
        update {staging.name}
        set fault = {staging.rules.number(fault)}, offender = cast({fault.column} as varchar)
        where fault is null and ({condition})
        """
    )
