"""A real export into the warehouse: read, check, then replace or append in one step.

Nothing is written before every row is read and judged, so a load that fails leaves the file as
it was, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from generator.errors import UsageError
from generator.loader.changes import changes_of
from generator.loader.conventions import check_conventions
from generator.loader.discovery import DataFile, data_files
from generator.loader.load_report import LoadReport, row_counts
from generator.loader.mapping import INTEGER_KEY, Mapping
from generator.loader.notices import gap_warnings, staged_warnings
from generator.loader.outcomes import check_events, check_users, create_users, outcomes
from generator.loader.quarantine import RejectedError, keep_rejected, rejected_reasons
from generator.loader.source_file import open_source, restrict
from generator.loader.spans import event_days, touched_days
from generator.loader.staging import Staging
from generator.loader.table_rules import event_rules, user_rules
from generator.loader.text_format import PLAIN, TextFormat
from generator.loader.user_keys import keep_numbers, number_users
from generator.reporter import SILENT, Reporter
from generator.warehouse.file import (
    Connection,
    Load,
    add_key,
    create_missing,
    record_load,
    replace_content,
)
from generator.warehouse.moving_over import open_moved_over
from generator.warehouse.next_private_file import NextPrivateFile, load_transaction
from generator.warehouse.own_objects import check_replaceable
from generator.warehouse.profile import profile_of
from generator.warehouse.sql import has_table, one_row
from generator.warehouse.table import Table
from generator.warehouse.tables import EVENTS, LOADS, USER_CHANGES, USERS
from generator.warehouse.versions import content_sum, version_of


def load_files(
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
) -> LoadReport:
    """Load files of users and events into the warehouse.

    Parameters
    ----------
    warehouse
        The DuckDB file; created when it is not there.
    users, events
        Files, folders or globs. Users may be left out when appending to stored ones, and so may
        events.
    append
        Add to what the warehouse holds. Appending to a warehouse without data is a first load.
    max_rejects
        Rows that may break a rule; they go to the quarantine in the private file, the others are
        loaded.
    text_format
        How the texts of the files are to be read.
    mapping
        How the columns of the files fill those of raw; None where they have the names of raw.
    memory_limit
        Most memory that the engine takes, such as "1GB".
    reporter
        Told what was found and skipped, and the steps.

    Raises
    ------
    UsageError
        A file is not there, or there are no users.
    RejectedError
        More rows break a rule than may.
    ElearnError
        A file is not what it should be. After any error the warehouse holds what it held.
    """
    given = settings_of(append, max_rejects, text_format, mapping)
    load = Load("files", ", ".join((*users, *events)), given)
    # What cannot be found is said before a warehouse is touched.
    files = find_files(users, events, append, reporter)
    with open_moved_over(warehouse, memory_limit, reporter) as con:
        user_rows, event_rows, is_append = judge(
            con, warehouse, files, append, text_format, mapping, memory_limit, reporter
        )
        check_rejected(user_rows, event_rows, max_rejects, not append)
        with (
            reporter.step("write"),
            load_transaction(con, warehouse, memory_limit, reporter) as private,
        ):
            return write(con, private, load, user_rows, event_rows, is_append)


def find_files(
    users: Sequence[str], events: Sequence[str], append: bool, reporter: Reporter
) -> dict[str, list[DataFile]]:
    """Return the files of both tables; raise UsageError when there are none to load."""
    files = {
        "users": data_files("--users", users, reporter),
        "events": data_files("--events", events, reporter),
    }
    if not files["events"] and not (append and files["users"]):
        raise UsageError("--events: nothing is given")
    return files


def judge(
    con: Connection,
    warehouse: Path,
    files: dict[str, list[DataFile]],
    append: bool,
    text_format: TextFormat,
    mapping: Mapping | None,
    memory_limit: str | None,
    reporter: Reporter,
) -> tuple[Staging, Staging, bool]:
    """Read the files and decide what becomes of each row; nothing is written.

    Returns
    -------
    The staged users and events, and whether there is anything to append to.
    """
    if mapping is not None and mapping.users and mapping.creates_users and files["users"]:
        raise UsageError(
            f"{mapping.source}: [users] user_id is missing; a users file needs it, give a column"
        )
    creates_users = mapping is not None and mapping.creates_users and not files["users"]
    append = append and has_table(con, USERS.name) and has_table(con, EVENTS.name)
    if not files["users"] and not append and not creates_users:
        raise UsageError("--users: nothing is given, and no users are stored")
    if append:
        check_conventions(con, text_format.days_in, mapping.user_key if mapping else INTEGER_KEY)
    else:
        check_replaceable(con)  # before the files are read, which may take long
    with reporter.step("read"):
        users, events = stage(con, files, text_format, mapping, reporter)
    with reporter.step("check"):
        if text_format.has_text_keys:
            number_users(con, warehouse, (users, events), append, memory_limit)
        check_users(users, append)
        check_events(events, append, creates_users)
        if creates_users:
            create_users(users, events)
    return users, events, append


def stage(
    con: Connection,
    files: dict[str, list[DataFile]],
    text_format: TextFormat,
    mapping: Mapping | None = None,
    reporter: Reporter = SILENT,
) -> tuple[Staging, Staging]:
    """Read all rows; from here on the engine reaches no file but the given ones."""
    restrict(con, [file.path for found in files.values() for file in found])
    stagings = (
        Staging(con, user_rules, text_format, mapping.users if mapping else None),
        Staging(con, event_rules, text_format, mapping.events if mapping else None),
    )
    # Every header is looked at before the first long read.
    sources = [
        [
            open_source(con, file, staging.rules, text_format, staging.mapping)
            for file in files[staging.label]
        ]
        for staging in stagings
    ]
    for staging, found in zip(stagings, sources, strict=True):
        staging.read(found, reporter)
    return stagings


def settings_of(
    append: bool, max_rejects: int, text_format: TextFormat, mapping: Mapping | None
) -> dict[str, object]:
    """Return what the load history says about how a load was asked for."""
    given: dict[str, object] = {"append": append, "max_rejects": max_rejects}
    given |= text_format.given
    if mapping is not None:
        given["mapping"] = mapping.source
    keys = {
        "days_in": text_format.days_in,
        "user_key": mapping.user_key if mapping else INTEGER_KEY,
    }
    return given | keys


def check_rejected(users: Staging, events: Staging, max_rejects: int, replaces: bool) -> None:
    """Raise RejectedError when more rows are rejected than may, or no event is left to load."""
    found = outcomes(events)
    rejected = outcomes(users)["rejected"] + found["rejected"]
    if rejected > max_rejects:
        rows = users.rows_read + events.rows_read
        message = f"{rejected:,} of {rows:,} rows rejected; at most {max_rejects:,} may be"
        message += " (--max-rejects)"
    elif replaces and found["read"] and not found["loaded"]:
        what = "ignored or rejected" if found["ignored"] else "rejected"
        message = f"all {found['read']:,} events {what}; a load that replaces needs one"
    else:
        return
    reasons = rejected_reasons(users) + rejected_reasons(events)
    raise RejectedError(f"{message}; nothing was changed", reasons)


def write(
    con: Connection,
    private: NextPrivateFile,
    load: Load,
    users: Staging,
    events: Staging,
    append: bool,
) -> LoadReport:
    """Write the staged rows, the load history and the quarantine."""
    before = event_days(con) if append else (None, None)
    if not append:
        replace_content(con, (USERS, EVENTS))
        private.replace()
    else:
        create_missing(con)
    if users.format.has_text_keys:
        keep_numbers(users, events, private)
    counts, content = row_counts(users, events), content_of(users, events)
    for table, relation in content.items():
        insert(con, table, relation)
    if not append:
        add_key(con, EVENTS)
    touched = touched_days(users, events, before, event_days(con)) if append else None
    # What replaces is what was staged, and the engine reads that by all threads, unlike rows that
    # are not committed yet.
    content_version = (
        None
        if append
        else version_of(
            {table.name: content_sum(con, table, rows) for table, rows in content.items()}
        )
    )
    load = replace(load, settings=load.settings | counts)
    profile = profile_of(con, content, before[1], counts)
    load_id = record_load(con, load, touched, content_version, profile)
    for staging in (users, events):
        keep_rejected(staging, private, load_id)
    version, *days = one_row(
        con,
        f"select dataset_version, first_day, last_day from {LOADS.name} where load_id = ?",
        [load_id],
    )
    return LoadReport(
        load_id=load_id,
        **counts,
        dataset_version=version,
        first_day=None if days[0] is None else str(days[0]),
        last_day=None if days[1] is None else str(days[1]),
        warnings=gap_warnings(con) + staged_warnings(users, events),
    )


def content_of(users: Staging, events: Staging) -> dict[Table, str]:
    """Return what is loaded: the relation of each table's rows, parents first."""
    return {USERS: users.good, USER_CHANGES: changes_of(users), EVENTS: events.good}


def insert(con: Connection, table: Table, rows: str) -> None:
    """Insert the rows of a relation.

    In key order: the index grows faster, and the stored order does not depend on the files'.
    """
    order = "" if is_in_key_order(con, table, rows) else f"order by {table.key}"
    columns = ", ".join(table.column_names)
    con.execute(f"insert into {table.name} ({columns}) select {columns} from {rows} {order}")


def is_in_key_order(con: Connection, table: Table, rows: str) -> bool:
    """Tell whether the rows of a relation are sorted already, which spares a long sort.

    The window without an order sees the rows as they are stored, in one pass.
    """
    return not con.execute(
        f"""
        select 1 from (
            select ({table.key}) < lag(({table.key})) over () as is_late from {rows}
        ) where is_late limit 1
        """
    ).fetchall()
