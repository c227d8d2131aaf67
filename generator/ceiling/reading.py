"""What the ceiling reads of a warehouse: histories and labelled rows, block by block."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from generator.ceiling.histories import Histories, Quizzes
from generator.settings import Settings
from generator.simulation.arrays import Array, Bools, Ints
from generator.simulation.churn import NEVER
from generator.warehouse.file import Connection
from generator.warehouse.sql import has_table
from generator.warehouse.tables import ASSIGNMENTS, USER_CHANGES

USERS_QUERY = """
    select users.user_id, users.signup_date - $start as signup_day, users.is_paid = 1 as is_paid,
        {is_treated} as is_treated, {upgrade_day} as upgrade_day
    from raw.users as users
    {joins}
    where users.user_id between $first and $last
    order by users.user_id
"""
DAYS_QUERY = """
    select
        user_id, event_date - $start as day, count(*) filter (event_type = 'login') as logins,
        count(*) filter (event_type in ('course_enroll', 'video_watch', 'quiz_attempt')) as further,
        count(*) filter (event_type = 'payment_success') as succeeded,
        count(*) filter (event_type = 'payment_failed') as failed,
        count(*) filter (event_type = 'support_ticket') as tickets
    from raw.events
    where user_id between $first and $last
    group by all
"""
QUIZ_QUERY = """
    select user_id, event_date - $start as day, quiz_score
    from raw.events
    where user_id between $first and $last and event_type = 'quiz_attempt'
    order by user_id, day, event_id
"""
ROWS_QUERY = """
    select rows.user_id, rows.as_of_date - $start as day, rows.is_active_day = 1 as is_active,
        rows.churn_label = 1 as label, splits.split = 'test' as is_test
    from main.training_dataset as rows
    inner join main.training_splits as splits on rows.as_of_date = splits.as_of_date
    where rows.user_id between $first and $last
    order by rows.user_id, rows.as_of_date
"""


class LabelledRows(NamedTuple):
    """Rows of training_dataset, in order of user and day; every array has one entry a row."""

    user_id: Ints
    day: Ints
    """Days from start_date to the as_of_date."""
    is_active: Bools
    label: Bools
    is_test: Bools


class Reader:
    """Reads a warehouse that holds a simulation, some users at a time."""

    def __init__(self, con: Connection, settings: Settings, through: date) -> None:
        self.con = con
        self.settings = settings
        self.through = through
        self.days = (through - settings.start_date).days + 1
        """Number of days that are loaded."""

    def user_ids(self) -> Ints:
        """Return all users in order."""
        found = self.con.execute("select user_id from raw.users order by user_id").fetchnumpy()
        return np.asarray(found["user_id"])

    def histories(self, user_ids: Ints) -> Histories:
        """Return what is visible of consecutive users."""
        users = self._ask(_users_query(self.con), user_ids)
        days = self._ask(DAYS_QUERY, user_ids)
        quizzes = self._ask(QUIZ_QUERY, user_ids)
        place = np.searchsorted(user_ids, days["user_id"])

        def by_day(name: str) -> Array:
            table = np.zeros((user_ids.size, self.days), dtype=np.int16)
            table[place, days["day"]] = days[name]
            return table

        return Histories(
            user_id=users["user_id"],
            signup_day=users["signup_day"],
            is_paid=users["is_paid"],
            is_treated=users["is_treated"],
            upgrade_day=users["upgrade_day"],
            active=by_day("logins") > 0,
            further=by_day("further"),
            succeeded=by_day("succeeded"),
            failed=by_day("failed"),
            tickets=by_day("tickets"),
            quizzes=Quizzes(
                np.searchsorted(user_ids, quizzes["user_id"]),
                quizzes["day"],
                quizzes["quiz_score"],
            ),
        )

    def rows(self, user_ids: Ints) -> LabelledRows:
        """Return the labelled rows of consecutive users."""
        found = self._ask(ROWS_QUERY, user_ids)
        return LabelledRows(
            *(found[name] for name in ("user_id", "day", *LabelledRows._fields[2:]))
        )

    def _ask(self, query: str, user_ids: Ints) -> dict[str, Array]:
        parameters = {
            "start": self.settings.start_date,
            "first": int(user_ids[0]),
            "last": int(user_ids[-1]),
        }
        found = self.con.execute(query, parameters).fetchnumpy()
        return {name: np.ma.getdata(values) for name, values in found.items()}


def _users_query(con: Connection) -> str:
    joins, is_treated, upgrade_day = [], "false", f"{NEVER}"
    if has_table(con, ASSIGNMENTS.name):
        joins.append(f"inner join {ASSIGNMENTS.name} as groups on groups.user_id = users.user_id")
        is_treated = "groups.treatment_group = 'treatment'"
    if has_table(con, USER_CHANGES.name):
        # A simulated user changes once at most.
        joins.append(f"left join {USER_CHANGES.name} as changes on changes.user_id = users.user_id")
        upgrade_day = f"coalesce(changes.valid_from - $start, {NEVER})"
    return USERS_QUERY.format(is_treated=is_treated, upgrade_day=upgrade_day, joins=" ".join(joins))
