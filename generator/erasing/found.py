"""Who or what of those that were named is there."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from generator.erasing.quarantine import rows_of
from generator.erasing.wanted import Wanted
from generator.errors import UsageError
from generator.loader.conventions import conventions
from generator.loader.mapping import TEXT_KEY
from generator.warehouse.file import Connection
from generator.warehouse.private import PrivateFile
from generator.warehouse.sql import has_table
from generator.warehouse.table import Table
from generator.warehouse.tables import EVENTS, REJECTED_ROWS, TRUTH, USER_KEYS, USERS

ERASED = {"user_id": "temp.main.erased_users", "event_id": "temp.main.erased_events"}
"""Temporary tables of the ids that go, by the name of their column."""

GONE = {
    TRUTH: "user_id in (from gone_users)",
    USER_KEYS: "user_id in (from gone_users)",
    REJECTED_ROWS: "rowid in (from gone_rows)",
}
"""What goes from the tables of the private file."""


@dataclass(frozen=True)
class Found:
    """What goes, and how many of those that were named are not there."""

    users: list[int] = field(default_factory=list)
    """Ids of users in raw; someone may stand in the quarantine alone."""
    events: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    """Numbers of rows of the quarantine."""
    known: int = 0
    unknown: int = 0


def find(con: Connection, private: PrivateFile, wanted: Wanted) -> Found:
    """Look up what was named, and keep the ids that go in the tables of ERASED.

    Raises
    ------
    UsageError
        Nothing of it is there, or the texts of the users are not.
    """
    found = _find_events(con, wanted) if wanted.is_events else _find_users(con, private, wanted)
    if not found.known:
        what = "event" if wanted.is_events else "user"
        few = f"no {what} of the file is known" if found.unknown > 1 else f"no such {what} is known"
        raise UsageError(f"{few}; nothing was changed", wanted.option)
    for column, ids in (("user_id", found.users), ("event_id", found.events)):
        _keep(con, column, ids)
    if private.is_there:
        private.register("gone_users", _as_rows("user_id", found.users))
        private.register("gone_rows", _as_rows("number", found.rejected))
    return found


def _find_events(con: Connection, wanted: Wanted) -> Found:
    numbers = wanted.numbers
    there = _stored(con, EVENTS, numbers)
    return Found(events=there, known=len(there), unknown=len(numbers) - len(there))


def _find_users(con: Connection, private: PrivateFile, wanted: Wanted) -> Found:
    has_text_keys = conventions(con)["user_key"] == TEXT_KEY
    texts = _texts_by_id(private, wanted, has_text_keys)
    ids = _stored(con, USERS, [user for user, _ in texts if user is not None])
    rejected = rows_of(private, [text for _, text in texts if text], has_text_keys)
    quarantined = set().union(*rejected.values()) if rejected else set()
    stored = set(ids)
    known = sum(user in stored or text in quarantined for user, text in texts)
    return Found(users=ids, rejected=list(rejected), known=known, unknown=len(texts) - known)


def _texts_by_id(
    private: PrivateFile, wanted: Wanted, has_text_keys: bool
) -> list[tuple[int | None, str | None]]:
    """Return the number of each user in raw, and the text of the export."""
    by_key = wanted.option == "user_key" or (wanted.option == "file" and has_text_keys)
    if by_key and not has_text_keys:
        raise UsageError("the users of this warehouse have ids; give --user-id", "user_key")
    if by_key and not private.is_there:
        raise UsageError("the private file with the texts of the users is missing", wanted.option)
    if not has_text_keys:
        return [(number, str(number)) for number in wanted.numbers]
    keys = _keys(private)
    if by_key:
        numbers = {key: number for number, key in keys.items()}
        return [(numbers.get(text), text) for text in wanted.texts]
    return [(number, keys.get(number)) for number in wanted.numbers]


def _keys(private: PrivateFile) -> dict[int, str]:
    if not private.has(USER_KEYS):
        return {}
    return dict(private.rows(f"select user_id, source_key from {USER_KEYS.name}"))


def _stored(con: Connection, table: Table, ids: list[int]) -> list[int]:
    if not has_table(con, table.name):
        return []
    con.register("wanted_ids", _as_rows("id", ids))
    query = f"""
        select {table.key} from {table.name}
        where {table.key} in (select id from wanted_ids) order by all
    """
    rows = con.execute(query).fetchall()
    con.unregister("wanted_ids")
    return [number for (number,) in rows]


def _keep(con: Connection, column: str, ids: list[int]) -> None:
    con.register("ids_that_go", _as_rows(column, ids))
    con.execute(f"create temp table {ERASED[column].split('.')[-1]} as from ids_that_go")
    con.unregister("ids_that_go")


def _as_rows(column: str, ids: list[int]) -> pa.Table:
    return pa.table({column: pa.array(ids, pa.int64())})
