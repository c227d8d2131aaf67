"""Changes of users: rows of a users file that hold from a day after the signup on."""

from __future__ import annotations

from generator.loader.marks import KeyRule, check_key, mark
from generator.loader.staging import Staging
from generator.loader.table_rules import (
    CHANGE_BEFORE_SIGNUP,
    CHANGE_EXISTS,
    CHANGE_OF_NOBODY,
    CHANGE_OF_SIGNUP,
    DUPLICATE_CHANGE,
    DUPLICATE_USER,
    OTHER_SIGNUP,
    USER_EXISTS,
)
from generator.warehouse.tables import USER_CHANGES, USERS

FROM_SIGNUP = "(staged.valid_from is null or staged.valid_from = staged.signup_date)"
LATER = "staged.valid_from > staged.signup_date"
UNDATED = KeyRule(USER_EXISTS, DUPLICATE_USER, "staged.valid_from is null")
DATED = KeyRule(CHANGE_EXISTS, DUPLICATE_CHANGE, "staged.valid_from is not null")


def check_rows_of_users(users: Staging, append: bool) -> None:
    """Decide what becomes of the rows of users.

    Those of them that are good have a signup_date then, and a valid_from if they are changes.
    """
    if append:
        other = f"""staged.valid_from is null and staged.rowid in (
            select again.rowid from {users.name} as again
            inner join {USERS.name} as stored using (user_id)
            where again.fault is null and again.signup_date <> stored.signup_date
        )"""
        mark(users, OTHER_SIGNUP, other)
    has_dates = f"select 1 from {users.name} where fault is null and valid_from is not null limit 1"
    if not users.con.execute(has_dates).fetchall():
        check_key(users, USERS, append, UNDATED)
        return
    _date(users, append)
    check_key(users, USERS, append, UNDATED, DATED, rows=FROM_SIGNUP)
    check_key(users, USER_CHANGES, append, DATED, rows=LATER)
    _open(users, append)
    users.con.execute(
        f"""
        update {users.name} set valid_from = null
        where fault is null and valid_from = signup_date
        """
    )


def changes_of(users: Staging) -> str:
    """Return the relation of the staged rows that become rows of raw.user_changes."""
    return f"(from {users.name} where fault is null and valid_from is not null)"


def _date(users: Staging, append: bool) -> None:
    """Hold the rows with a valid_from to the signup of their users, and give them its date.

    The signup of a user who is not stored is that of the first row from the signup on, or else of
    the first row.
    """
    dated = f"select user_id from {users.name} where fault is null and valid_from is not null"
    stored = f"select user_id, signup_date from {USERS.name if append else users.name}"
    stored += f" where {append} and user_id in ({dated})"
    is_later = "coalesce(valid_from > signup_date, false)"
    users.con.execute(
        f"""
        create temp table signups as
        with stored as ({stored})
        from stored union all
        select user_id, first(signup_date order by {is_later}, rowid)
        from {users.name}
        where fault is null and signup_date is not null and user_id in ({dated})
            and user_id not in (select user_id from stored)
        group by user_id
        """
    )
    for fault, condition in (
        (CHANGE_OF_NOBODY, "signups.user_id is null"),
        (CHANGE_OF_SIGNUP, "dated.signup_date <> signups.signup_date"),
        (CHANGE_BEFORE_SIGNUP, "dated.valid_from < signups.signup_date"),
    ):
        found = f"""staged.rowid in (
            select dated.rowid from {users.name} as dated left join temp.signups using (user_id)
            where dated.fault is null and dated.valid_from is not null and {condition}
        )"""
        mark(users, fault, found)
    users.con.execute(
        f"""
        update {users.name} as staged set signup_date = signups.signup_date from temp.signups
        where staged.fault is null and staged.signup_date is null
            and staged.user_id = signups.user_id
        """
    )


def _open(users: Staging, append: bool) -> None:
    """Give new users without a row from the signup on their earliest one as such a row too."""
    names = [*users.rules.table.column_names, *users.rules.staged]
    values = ", ".join("null" if name == "valid_from" else name for name in names)
    stored = f"union all select user_id from {USERS.name}" if append else ""
    users.con.execute(
        f"""
        insert into {users.name} ({", ".join(names)})
        select {values} from {users.name} where rowid in (
            select arg_min(staged.rowid, staged.valid_from) from {users.name} as staged
            where staged.fault is null and {LATER} and staged.user_id not in (
                select staged.user_id from {users.name} as staged
                where staged.fault is null and {FROM_SIGNUP} {stored}
            )
            group by staged.user_id
        )
        order by rowid
        """
    )
