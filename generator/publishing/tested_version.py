"""The dataset version of what the tests saw, with few of its events read again.

A build knows the content of a day by hashes of the engine. The sum of the day's row hashes, which
make the version and which no engine decides, is kept beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from generator.publishing.green_build import TESTED
from generator.warehouse.file import Connection
from generator.warehouse.sql import has_table, one_row, quoted
from generator.warehouse.tables import EVENTS
from generator.warehouse.versions import ContentSum, dataset_version, sums_of_days

VERSION_SUMS = "bookkeeping.version_sums"
_EVENTS = f"(from {TESTED} where table_name = {quoted(EVENTS.name)})"


class TestedVersion(NamedTuple):
    """The dataset version, and what it took to find it."""

    version: str
    days: Mapping[date, ContentSum]
    """Content of each day of the events."""
    is_kept: bool
    """Whether all of that was known before."""

    def keep(self, con: Connection) -> None:
        """Keep the sums for the next time, where the warehouse is open for writing."""
        query = "select readonly from duckdb_databases() where database_name = current_database()"
        if self.is_kept or one_row(con, query) == (True,):
            return
        hashes = [found.hashes for found in self.days.values()]
        con.begin()
        con.execute(f"delete from {VERSION_SUMS}")
        con.execute(
            f"""
            insert into {VERSION_SUMS}
            select tested.day, tested.row_count, tested.hash_sum, found.version_sum
            from {_EVENTS} as tested
            inner join (
                select unnest(cast(? as date[])) as day, unnest(cast(? as ubigint[])) as version_sum
            ) as found using (day)
            """,
            [[*self.days], hashes],
        )
        con.commit()


def version_of_tested(con: Connection) -> TestedVersion:
    """Return the version of an open warehouse whose tables are what the tests saw."""
    if not has_table(con, VERSION_SUMS):  # a person changed a project of an earlier version
        return TestedVersion(dataset_version(con), {}, is_kept=True)
    rows = con.execute(
        f"""
        select tested.day, tested.row_count, sums.version_sum
        from {_EVENTS} as tested
        left join {VERSION_SUMS} as sums using (day, row_count, hash_sum)
        """
    ).fetchall()
    days = {day: ContentSum(count, found) for day, count, found in rows if found is not None}
    new = [day for day, _, _ in rows if day not in days]
    if new:
        days |= sums_of_days(con, EVENTS, "event_date", new)
    events = sum(days.values(), ContentSum())
    return TestedVersion(dataset_version(con, {EVENTS.name: events}), days, is_kept=not new)
