"""What a load lets pass and says: days far from any event, and words that may stand for null."""

from __future__ import annotations

from shlex import quote

from generator.loader.staging import Staging
from generator.loader.text_format import NULL_LIKE
from generator.warehouse.file import Connection
from generator.warehouse.sql import quoted_list
from generator.warehouse.tables import EVENTS

MAX_DISTANCE_DAYS = 366
"""A day of the observation window that is further than this from any event earns a warning."""
TEXT_COLUMNS = {"users": ("country", "marketing_source"), "events": ("course_name",)}
"""Columns that take any text."""


def gap_warnings(con: Connection) -> tuple[str, ...]:
    """Return a warning for each long stretch of days without any event.

    The middle of a gap of g days between two event dates is g // 2 days from either; the ends of
    the observation window are event dates themselves.
    """
    gaps = con.execute(
        f"""
        select previous_date, event_date from (
            select event_date, lag(event_date) over (order by event_date) as previous_date
            from (select distinct event_date from {EVENTS.name})
        ) where (event_date - previous_date) // 2 > {MAX_DISTANCE_DAYS}
        order by event_date
        """
    ).fetchall()
    return tuple(
        f"no event between {previous_date} and {event_date}: days in between are more than"
        f" {MAX_DISTANCE_DAYS} days from any event"
        for previous_date, event_date in gaps
    )


def null_warnings(staging: Staging) -> tuple[str, ...]:
    """Return a warning for each word for null that a text column of the loaded rows holds."""
    counts = " union all ".join(
        f"""
        select '{column}' as text_column, {column} as word, count(*) as number from {staging.good}
        where lower({column}) in ({quoted_list(NULL_LIKE)}) group by word
        """
        for column in TEXT_COLUMNS[staging.label]
    )
    return tuple(
        f"{column} is {word!r} in {number:,} {staging.label}; --null {quote(word)} makes that null"
        for column, word, number in staging.con.execute(f"{counts} order by all").fetchall()
    )
