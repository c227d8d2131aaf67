"""``elearn load --check``: what a load would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.loader.cells_given import cells_table, columns_with_values, read_cells
from generator.loader.load import check_rejected, find_files, judge
from generator.loader.load_report import row_counts, rows_line
from generator.loader.mapping import Mapping
from generator.loader.notices import gap_warnings, staged_warnings
from generator.loader.quarantine import RejectedError
from generator.loader.rules import IGNORED, REPEATED
from generator.loader.staging import Staging
from generator.loader.text_format import PLAIN, TextFormat
from generator.reporter import SILENT, Reporter
from generator.vocabulary import EVENT_TYPES
from generator.warehouse.file import Connection, connect
from generator.warehouse.paths import check_path
from generator.warehouse.sql import connect_memory, name_in, one_row
from generator.warehouse.summary import days_text
from generator.warehouse.tables import EVENTS

SHOWN_VALUES = 10
"""Unmapped values that are shown, the most frequent first."""
MAX_TYPES = 1000
"""Event types that are listed."""


@dataclass(frozen=True)
class CheckReport:
    """What a load would do."""

    counts: dict[str, int]
    """What would become of the rows, by the names of a load's report."""
    event_types: tuple[tuple[str | None, str, int], ...]
    """Each text that was found, what it became, and in how many rows."""
    first_day: str | None
    last_day: str | None
    users_with_events: int
    users_without_events: int
    rows_without_user: int
    unmapped_values: tuple[tuple[str, str, int], ...]
    """Column, text and rows of the most frequent texts that no value names."""
    paste: tuple[str, ...]
    """Lines of a mapping for the event types, where it has none."""
    warnings: tuple[str, ...]
    refusal: RejectedError | None
    """The error with which the load would end."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        types = [
            {"found": found, "became": became, "rows": rows}
            for found, became, rows in self.event_types
        ]
        values = [
            {"column": column, "text": text, "rows": rows}
            for column, text, rows in self.unmapped_values
        ]
        return self.counts | {
            "rejected": self.counts["users_rejected"] + self.counts["events_rejected"],
            "first_day": self.first_day,
            "last_day": self.last_day,
            "users_with_events": self.users_with_events,
            "users_without_events": self.users_without_events,
            "rows_without_user": self.rows_without_user,
            "event_types": types,
            "unmapped_values": values,
            "paste": list(self.paste),
            "warnings": list(self.warnings),
        }

    def as_lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        lines = [rows_line(label, self.counts) for label in ("users", "events")]
        numbers = {
            "rejected": self.counts["users_rejected"] + self.counts["events_rejected"],
            "users from events": self.counts["users_created"],
            "users with events": self.users_with_events,
            "users without events": self.users_without_events,
            "rows without a user": self.rows_without_user,
        }
        lines += [f"{what:<28}{number:>14,}" for what, number in numbers.items()]
        lines += [f"{'days':<28}{days_text(self.first_day, self.last_day)}"]
        lines += [
            f"{'event type':<28}{rows:>14,} {_shown(found)} {became}"
            for found, became, rows in self.event_types
        ]
        lines += [
            f"{'no value for':<28}{rows:>14,} {column} {text[:60]!r}"
            for column, text, rows in self.unmapped_values
        ]
        lines += [f"warning: {warning}" for warning in self.warnings]
        return [*lines, *self.paste]


def _shown(found: str | None) -> str:
    return "(missing)" if found is None else repr(found[:60])


def check_files(
    warehouse: Path,
    users: Sequence[str],
    events: Sequence[str],
    *,
    append: bool = False,
    max_rejects: int = 0,
    text_format: TextFormat = PLAIN,
    mapping: Mapping | None = None,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> CheckReport:
    """Read and judge files like :func:`generator.loader.load.load_files`, and write nothing."""
    files = find_files(users, events, append, reporter)
    with _opened(warehouse, memory_limit) as con:
        user_rows, event_rows, is_append = judge(
            con, warehouse, files, append, text_format, mapping, memory_limit, reporter
        )
        try:
            check_rejected(user_rows, event_rows, max_rejects, not append)
            refusal = None
        except RejectedError as error:
            refusal = error
        return _report(con, user_rows, event_rows, is_append, refusal)


@contextmanager
def _opened(warehouse: Path, memory_limit: str | None) -> Iterator[Connection]:
    """Open the warehouse for reading, or an empty one in memory."""
    check_path(warehouse, writable=False)
    is_there = warehouse.exists() and warehouse.stat().st_size
    con = (
        connect(warehouse, memory_limit, read_only=True)
        if is_there
        else connect_memory(memory_limit)
    )
    try:
        yield con
    finally:
        con.close()


def _report(
    con: Connection,
    users: Staging,
    events: Staging,
    is_append: bool,
    refusal: RejectedError | None,
) -> CheckReport:
    stored = f"union all select event_date from {EVENTS.name}" if is_append else ""
    days = f"(select event_date from {events.good} {stored})"
    first_day, last_day, with_events = one_row(
        con,
        f"""
        select min(event_date), max(event_date), count(distinct user_id) filter (
            where user_id in (select user_id from {users.good})
        ) from {events.name} where fault is null
        """,
    )
    for staging in (users, events):
        read_cells(staging)
    unmapped = [row for staging in (users, events) for row in _unmapped_values(staging)]
    return CheckReport(
        counts=row_counts(users, events),
        event_types=_event_types(events),
        first_day=first_day and str(first_day),
        last_day=last_day and str(last_day),
        users_with_events=with_events,
        users_without_events=_good_rows(users) - with_events,
        rows_without_user=_rows_without_user(events),
        unmapped_values=tuple(sorted(unmapped, key=lambda row: -row[2])[:SHOWN_VALUES]),
        paste=_paste(events),
        warnings=gap_warnings(con, days) + staged_warnings(users, events),
        refusal=refusal,
    )


def _rows_without_user(events: Staging) -> int:
    """Return how many rows have no user, or one that the mapping takes for none."""
    entry = events.mapping.entry("user_id") if events.mapping else None
    nobody = [text for text, value in (entry.values if entry else ()) if not value]
    [rows] = one_row(
        events.con,
        f"""
        select count(*) from {cells_table(events)}
        where is_read and (user_id is null or list_contains(?, user_id))
        """,
        [nobody],
    )
    return int(rows)


def _good_rows(staging: Staging) -> int:
    [rows] = one_row(staging.con, f"select count(*) from {staging.good}")
    return int(rows)


def _event_types(events: Staging) -> tuple[tuple[str | None, str, int], ...]:
    rows = events.con.execute(
        f"""
        select cells.event_type, case
            when cells.fault is null or cells.fault = {REPEATED} then staged.event_type
            when cells.fault = {IGNORED} then 'ignored'
            else 'rejected'
        end as became, count(*)
        from {cells_table(events)} as cells
        inner join {events.name} as staged on staged.rowid = cells.row_id
        where is_read group by all order by count(*) desc, 1, 2 limit {MAX_TYPES}
        """
    ).fetchall()
    return tuple((found, became, number) for found, became, number in rows)


def _unmapped_values(staging: Staging) -> list[tuple[str, str, int]]:
    """Return the most frequent texts that no value names."""
    found: list[tuple[str, str, int]] = []
    for entry in columns_with_values(staging):
        named = [text for text, _ in entry.values]
        rows = staging.con.execute(
            f"""
            select {name_in(entry.column)} as text, count(*) from {cells_table(staging)}
            where text is not null and not list_contains(?, text)
            group by text order by count(*) desc, text limit {SHOWN_VALUES}
            """,
            [named],
        ).fetchall()
        found += [(entry.column, text, number) for text, number in rows]
    return found


def _paste(events: Staging) -> tuple[str, ...]:
    """Return the lines that a mapping without values for the event types may be given."""
    entry = events.mapping.entry("event_type") if events.mapping else None
    if entry is None or entry.values:
        return ()
    rows = events.con.execute(
        f"""
        select event_type, count(*) from {cells_table(events)} where event_type is not null
        group by event_type order by count(*) desc, event_type limit {MAX_TYPES}
        """
    ).fetchall()
    names = ", ".join(json.dumps(name, ensure_ascii=False) for name in entry.names)
    lines = ["[events.event_type]", f"from = [{names}]", 'others = "ignore"', ""]
    lines += ["[events.event_type.values]"]
    for text, number in rows:
        known = text.lower() if text.lower() in EVENT_TYPES else ""
        key = json.dumps(text, ensure_ascii=False)
        lines.append(f'{key} = "{known}"  # {number:,} rows')
    return ("", *lines)
