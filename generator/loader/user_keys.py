"""Users whose ids are texts: each text has a number, which the private file alone knows.

While the rows are judged, a text that nobody has loaded before has a number below zero. The users
that are loaded get theirs when they are written, so that no rejected user takes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from generator.errors import UsageError
from generator.loader.staging import Staging
from generator.warehouse.file import Connection
from generator.warehouse.next_private_file import NextPrivateFile
from generator.warehouse.private import read_private
from generator.warehouse.sql import one_row
from generator.warehouse.tables import USER_KEYS, USERS

NUMBERS = "temp.user_numbers"


def number_users(
    con: Connection,
    warehouse: Path,
    stagings: Sequence[Staging],
    append: bool,
    memory_limit: str | None = None,
) -> None:
    """Give the texts of all staged rows their numbers: the stored one, or one below zero.

    Raises
    ------
    UsageError
        Users are stored, but the private file with their texts is not there.
    """
    con.execute(f"create temp table {NUMBERS} (user_id integer, source_key varchar)")
    if append:
        with read_private(con, warehouse, memory_limit) as private:
            if private.has(USER_KEYS):
                con.register("incoming", private.reader(USER_KEYS))
                con.execute(f"insert into {NUMBERS} select user_id, source_key from incoming")
                con.unregister("incoming")
            elif one_row(con, f"select count(*) from {USERS.name}") != (0,):
                raise UsageError(
                    f"--append: the private file of {warehouse} is missing, which holds the texts"
                    " of its users; put it back, or load without --append"
                )
    texts = " union ".join(f"select user_key from {staging.name}" for staging in stagings)
    con.execute(
        f"""
        insert into {NUMBERS}
        select -row_number() over (order by user_key), user_key from ({texts})
        where user_key is not null and user_key not in (select source_key from {NUMBERS})
        """
    )
    for staging in stagings:
        con.execute(
            f"""
            update {staging.name} as staged set user_id = numbers.user_id
            from {NUMBERS} as numbers where numbers.source_key = staged.user_key
            """
        )


def keep_numbers(users: Staging, events: Staging, private: NextPrivateFile) -> None:
    """Give the new users their numbers for good, in order of signup, and keep their texts."""
    con, highest = users.con, private.highest_user_number or 0
    con.execute(
        f"""
        create temp table new_users as
        select
            user_id as before,
            cast({highest} + row_number() over (order by signup_date, user_key) as integer)
                as user_id,
            user_key as source_key
        from {users.good} where user_id < 0
        """
    )
    new = con.sql("select user_id, source_key from temp.new_users order by user_id")
    rows = new.to_arrow_table()
    if not rows.num_rows:
        return
    private.insert(USER_KEYS, rows)
    private.highest_user_number = highest + rows.num_rows
    for staging in (users, events):
        con.execute(
            f"""
            update {staging.name} as staged set user_id = new_users.user_id
            from temp.new_users where new_users.before = staged.user_id
            """
        )
