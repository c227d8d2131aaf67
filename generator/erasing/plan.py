"""Which rows of which tables of the warehouse go, and which stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from generator.erasing.found import ERASED
from generator.errors import ElearnError
from generator.publishing.green_build import TESTED
from generator.publishing.tested_version import VERSION_SUMS
from generator.vocabulary import HISTORY_MARTS, MARTS
from generator.warehouse.file import Connection, read_loads
from generator.warehouse.profile import without_shapes
from generator.warehouse.sql import has_table, name_in, one_row, quoted, quoted_list
from generator.warehouse.tables import CONTENT_TABLES, EVENTS, LOADS, USERS

FINGERPRINTS = ("bookkeeping.content", TESTED)
OWNERS = "users_of_erased_events"
PROFILES = "profiles_of_loads"
Span = tuple[date | None, date | None]


@dataclass(frozen=True)
class Plan:
    """What an erasure does to the warehouse."""

    stay: dict[str, str]
    """Query of the rows that stay, of each table that loses some or may."""
    gone: dict[str, int]
    """Number of rows that go for good from each table of raw and each mart that loses some."""
    own_tables: list[str]
    """Tables of a person's own with a user_id, which keep their rows."""
    touched: Span
    """First and last day that change."""


def plan(con: Connection, is_events: bool) -> Plan:
    """Plan an erasure of the ids in the tables of ERASED.

    Raises
    ------
    ElearnError
        A foreign key of a person's own refers to a row that would go.
    """
    [database] = one_row(con, "select current_database()")
    column, touched = "event_id" if is_events else "user_id", _touched(con, is_events)
    ours, found = _ours(con), _tables_with(con, column)
    conditions = {
        table: _is_in(column, ERASED[column])
        for table in found
        if table in ours or table.startswith("bookkeeping.")
    }
    left_out = conditions | (_made_anew(con) if is_events else {})
    _check_references(con, left_out)
    counts = {table: _count(con, table, gone) for table, gone in conditions.items()}
    stay = {
        table: f"select * from {_relation(database, table)} where not {gone}"
        for table, gone in left_out.items()
    }
    stay |= {
        table: _forgotten(database, table, touched[0], is_events)
        for table in FINGERPRINTS
        if has_table(con, table) and touched[0] is not None
    }
    if has_table(con, VERSION_SUMS):  # the next build makes them anew
        stay[VERSION_SUMS] = f"select * from {_relation(database, VERSION_SUMS)} where false"
    stay |= _profiles(con, database)
    return Plan(
        stay=stay,
        gone={table: n for table, n in counts.items() if n and table in ours},
        own_tables=[] if is_events else [table for table in found if table not in conditions],
        touched=touched,
    )


def _profiles(con: Connection, database: str) -> dict[str, str]:
    """Return the profiles of earlier loads without means and deciles, which may give theirs away.

    The mart is made from them anew.
    """
    rows = [(load["load_id"], without_shapes(load["profile"])) for load in read_loads(con)]
    stay = {}
    if "profile" in con.sql(f"from {LOADS.name} limit 0").columns:
        con.execute(f"create or replace temp table {PROFILES} (load_id integer, profile varchar)")
        con.executemany(f"insert into temp.main.{PROFILES} values (?, ?)", rows)
        stay[LOADS.name] = f"""
            select loads.* replace (profiles.profile as profile)
            from {_relation(database, LOADS.name)} as loads
            inner join temp.main.{PROFILES} as profiles using (load_id)
        """
    marts = [f"main.{name}" for name in HISTORY_MARTS]
    return stay | {
        mart: f"select * from {_relation(database, mart)} where false"
        for mart in marts
        if has_table(con, mart)
    }


def _ours(con: Connection) -> set[str]:
    """Return the tables of raw and those that models made, as far as a build told."""
    names = {table.name for table in CONTENT_TABLES} | {f"main.{mart}" for mart in MARTS}
    for table in ("bookkeeping.content", "bookkeeping.tested_tables"):
        if has_table(con, table):
            made = con.execute(f"select distinct table_name from {table}").fetchall()
            names |= {name for (name,) in made if name.startswith("main.")}
    return names


def _is_in(column: str, ids: str) -> str:
    return f"coalesce(try_cast({column} as bigint) in (from {ids}), false)"


def _made_anew(con: Connection) -> dict[str, str]:
    """Return the conditions of the rows that the next build makes anew without the events.

    These are all rows that the marts have of the events' users: they hold sums of the events, and
    what a build deletes in a file keeps its bytes there. A user without a fingerprint in the
    bookkeeping is new to a build.
    """
    con.execute(
        f"""
        create or replace temp table {OWNERS} as
        select distinct user_id from {EVENTS.name}
        where event_id in (from {ERASED["event_id"]})
        """
    )
    redone = {f"main.{mart}" for mart in MARTS} | {"bookkeeping.users"}
    tables = [table for table in _tables_with(con, "user_id") if table in redone]
    return {table: _is_in("user_id", f"temp.main.{OWNERS}") for table in tables}


def _tables_with(con: Connection, column: str) -> list[str]:
    rows = con.execute(
        """
        select schema_name || '.' || table_name from duckdb_tables()
        inner join duckdb_columns() as columns using (database_name, schema_name, table_name)
        where database_name = current_database() and lower(column_name) = ? order by all
        """,
        [column],
    ).fetchall()
    return [name for (name,) in rows]


def _quoted(table: str) -> str:
    return ".".join(map(name_in, table.split(".", 1)))


def _relation(database: str, table: str) -> str:
    return f"{name_in(database)}.{_quoted(table)}"


def _count(con: Connection, table: str, condition: str) -> int:
    [count] = one_row(con, f"select count(*) from {_quoted(table)} where {condition}")
    return int(count)


def _touched(con: Connection, is_events: bool) -> Span:
    """Return the days of the events; of users all from their signup to the last of all events."""
    if is_events:
        events = f"{EVENTS.name} where event_id in (from {ERASED['event_id']})"
        first, last = one_row(con, f"select min(event_date), max(event_date) from {events}")
        return first, last
    gone = f"where user_id in (from {ERASED['user_id']})"
    first, last = one_row(
        con,
        f"""
        select
            least(min(signup_date), (select min(event_date) from {EVENTS.name} {gone})),
            greatest(max(signup_date), (select max(event_date) from {EVENTS.name}))
        from {USERS.name} {gone}
        """,
    )
    return (first, last) if first is not None else (None, None)


def _forgotten(database: str, table: str, first: date | None, is_events: bool) -> str:
    """Return the fingerprints with none of the days that change, which are redone and tested.

    A day of an event has only its own in raw.events; a user stands in all tables from signup on.
    """
    changed = (
        f"table_name = {quoted(EVENTS.name)} and day in ("
        f"select event_date from {_relation(database, EVENTS.name)}"
        f" where event_id in (from {ERASED['event_id']}))"
        if is_events
        else f"day is null or day >= date {quoted(str(first))}"
    )
    return f"""
        select * replace (
            case when {changed} then 0 else row_count end as row_count,
            case when {changed} then 0 else hash_sum end as hash_sum
        ) from {_relation(database, table)}
    """


def _check_references(con: Connection, conditions: dict[str, str]) -> None:
    rows = con.execute(
        f"""
        select
            schema_name || '.' || table_name, schema_name || '.' || referenced_table,
            constraint_column_names, referenced_column_names
        from duckdb_constraints()
        where database_name = current_database() and constraint_type = 'FOREIGN KEY'
            and schema_name || '.' || referenced_table in ({quoted_list(conditions)})
            and schema_name || '.' || table_name not in ({quoted_list(conditions)})
        """
    ).fetchall()
    for child, parent, columns, keys in rows:
        wanted = ", ".join(map(name_in, keys))
        gone = f"select {wanted} from {_quoted(parent)} where {conditions[parent]}"
        if _count(con, child, f"({', '.join(map(name_in, columns))}) in ({gone})"):
            raise ElearnError(
                f"the foreign key of {child} refers to rows that would go; delete its rows of"
                " theirs first; nothing was changed"
            )
