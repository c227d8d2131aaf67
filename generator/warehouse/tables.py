"""The tables of ``raw`` and of the private file: columns, types, keys and comments.

The only place that knows them; the warehouse, the loader and the versions read them here.
"""

from __future__ import annotations

from generator.vocabulary import EVENT_TYPES, FIRST_DATE, GROUPS, LAST_DATE, PAYMENT_TYPES, PLANS
from generator.warehouse.sql import quoted_list
from generator.warehouse.table import Column, Table


def _in(name: str, values: tuple[str, ...]) -> str:
    return f"{name} in ({quoted_list(values)})"


# Bounds are said in full, because a NaN or an infinity passes ">= 0" in DuckDB.
_DAYS = f"between date '{FIRST_DATE}' and date '{LAST_DATE}'"
_TIMES = f"between timestamp '{FIRST_DATE}' and timestamp '{LAST_DATE} 23:59:59.999999'"

USERS = Table(
    name="raw.users",
    key="user_id",
    comment="The platform's users. One row per user.",
    columns=(
        Column("user_id", "INTEGER", "The user."),
        Column(
            "signup_date", "DATE", "Day of the user's signup, UTC.", check=f"signup_date {_DAYS}"
        ),
        Column("plan", "VARCHAR", "The user's plan, free or paid.", check=_in("plan", PLANS)),
        Column("is_paid", "INTEGER", "1 when plan is paid, else 0.", check="is_paid in (0, 1)"),
        Column("country", "VARCHAR", "Country or region of the user."),
        Column("marketing_source", "VARCHAR", "Channel through which the user came."),
        Column(
            "engagement_score",
            "DOUBLE",
            "Latent engagement, 0 to 1, of simulated data only; drives the simulation and is never"
            " a feature.",
            required=False,
            check="engagement_score between 0 and 1",
        ),
    ),
    checks=("is_paid = case when plan = 'paid' then 1 else 0 end",),
)

EVENTS = Table(
    name="raw.events",
    key="event_id",
    comment="Everything users did. One row per event.",
    columns=(
        Column(
            "event_id",
            "BIGINT",
            "The event.",
        ),
        Column("user_id", "INTEGER", "The user.", references="raw.users (user_id)"),
        Column(
            "event_time", "TIMESTAMP", "When the event happened, UTC.", check=f"event_time {_TIMES}"
        ),
        Column(
            "event_type",
            "VARCHAR",
            f"What happened: {', '.join(EVENT_TYPES[:-1])} or {EVENT_TYPES[-1]}.",
            check=_in("event_type", EVENT_TYPES),
        ),
        Column("event_date", "DATE", "Day of event_time, UTC."),
        Column(
            "course_name",
            "VARCHAR",
            "The course, for an event about a course; null otherwise.",
            required=False,
        ),
        Column(
            "watch_minutes",
            "DOUBLE",
            "Minutes watched, for a video_watch; at most four decimals.",
            required=False,
            check="watch_minutes between 0 and 1000000",
        ),
        Column(
            "quiz_score",
            "DOUBLE",
            "Score of a quiz_attempt in percent, 0 to 100; null when the attempt was not scored;"
            " at most four decimals.",
            required=False,
            check="quiz_score between 0 and 100",
        ),
        Column(
            "amount",
            "DOUBLE",
            "Amount of a payment in the platform's currency; at most four decimals.",
            required=False,
            check="amount > 0 and amount <= 1000000000",
        ),
    ),
    checks=(
        "event_date = cast(event_time as date)",
        f"amount is not null or not {_in('event_type', PAYMENT_TYPES)}",
    ),
    key_after_rows=True,
)

USER_CHANGES = Table(
    name="raw.user_changes",
    key="user_id, valid_from",
    comment="What users became after the signup: attributes from a day on."
    " One row per user and day.",
    columns=(
        Column(
            "user_id",
            "INTEGER",
            "The user.",
            references="raw.users (user_id)",
        ),
        Column(
            "valid_from",
            "DATE",
            "First day with these attributes, after the signup_date, UTC.",
            check=f"valid_from {_DAYS}",
        ),
        Column(
            "plan",
            "VARCHAR",
            "The user's plan, free or paid. From valid_from on.",
            check=_in("plan", PLANS),
        ),
        Column("is_paid", "INTEGER", "1 when plan is paid, else 0.", check="is_paid in (0, 1)"),
        Column("country", "VARCHAR", "Country or region of the user. From valid_from on."),
        Column(
            "marketing_source",
            "VARCHAR",
            "Channel through which the user came. From valid_from on.",
        ),
    ),
    checks=("is_paid = case when plan = 'paid' then 1 else 0 end",),
)

ASSIGNMENTS = Table(
    name="raw.experiment_assignments",
    key="user_id",
    comment="Groups of a simulated experiment; there is no such table without one, so it has no"
    " tests and no model reads it. One row per user.",
    columns=(
        Column("user_id", "INTEGER", "The user.", references="raw.users (user_id)"),
        Column(
            "treatment_group",
            "VARCHAR",
            "control or treatment.",
            check=_in("treatment_group", GROUPS),
        ),
    ),
)

LOADS = Table(
    name="raw.loads",
    key="load_id",
    comment="The load history, only ever added to. One row per load.",
    columns=(
        Column("load_id", "INTEGER", "The load, in raw.loads."),
        Column("loaded_at", "TIMESTAMP", "When the load was written, UTC."),
        Column(
            "kind",
            "VARCHAR",
            "simulated, files or erased.",
            check=_in("kind", ("simulated", "files", "erased")),
        ),
        Column("source", "VARCHAR", "Where the rows came from."),
        Column("seed", "BIGINT", "Seed of a simulation; null for files.", required=False),
        Column("settings", "VARCHAR", "Settings of the load, as JSON text."),
        Column("generator_version", "VARCHAR", "Version of the program that wrote the load."),
        Column(
            "profile",
            "VARCHAR",
            "What the load brought, by table and column, as JSON text; null for a load that an"
            " earlier version wrote, and for an erasure. The mart load_profile unnests it.",
            required=False,
        ),
        Column(
            "dataset_version",
            "VARCHAR",
            "Content hash of users, events and changes of users after the load, 16 hex digits.",
        ),
        Column("user_rows", "BIGINT", "Users in the whole warehouse after the load."),
        Column("event_rows", "BIGINT", "Events in the whole warehouse after the load."),
        Column(
            "first_day",
            "DATE",
            "First event_date of the whole warehouse after the load.",
            required=False,
        ),
        Column(
            "last_day",
            "DATE",
            "Last event_date of the whole warehouse after the load.",
            required=False,
        ),
        Column("touched_first_day", "DATE", "First day that the load changed.", required=False),
        Column("touched_last_day", "DATE", "Last day that the load changed.", required=False),
    ),
)

REJECTED_ROWS = Table(
    name="main.rejected_rows",
    key="",
    comment="The quarantine: rows of a load that break the tables' rules. One row per rejection.",
    columns=(
        Column("load_id", "INTEGER", "The load, in raw.loads."),
        Column("table_name", "VARCHAR", "users or events."),
        Column(
            "row_number",
            "BIGINT",
            "Number of the row, from 1 without the header, counted on over several files.",
        ),
        Column("reason", "VARCHAR", "The first rule that the row breaks."),
        Column("row", "VARCHAR", "The row as it was read, JSON."),
        Column("user_text", "VARCHAR", "The user's cell, null where unreadable.", required=False),
    ),
)

USER_KEYS = Table(
    name="main.user_keys",
    key="user_id",
    comment="The user ids of an export whose ids are texts. One row per user.",
    columns=(
        Column("user_id", "INTEGER", "Primary key: the user, in raw.users."),
        Column("source_key", "VARCHAR", "The user's id in the export.", is_unique=True),
    ),
)

WRITTEN_BY = Table(
    name="main.written_by",
    key="",
    comment="The load that wrote this file, which tells whose file it is. One row.",
    columns=(
        Column("load_id", "INTEGER", "The load, in raw.loads."),
        Column("loaded_at", "TIMESTAMP", "When the load was committed, UTC."),
        Column(
            "highest_user_number",
            "INTEGER",
            "Highest user_id ever given to a text, which is never given again.",
            required=False,
        ),
    ),
)

TRUTH = Table(
    name="truth.users",
    key="user_id",
    comment="What only a simulator knows; no model may read it. One row per user.",
    columns=(
        Column("user_id", "INTEGER", "Primary key: the user."),
        Column(
            "churn_date",
            "DATE",
            "First day without the user; null for those who stay.",
            required=False,
        ),
        Column("churn_probability", "DOUBLE", "Probability with which the churn was drawn."),
    ),
)

BUILD_INFO = Table(
    name="main.build_info",
    key="dataset_version",
    comment="What the marts are: data, vars, tools, and the tests that passed. One row.",
    columns=(
        Column("dataset_version", "VARCHAR", "Primary key: hash of what raw holds."),
        Column("built_at", "TIMESTAMP", "When the build's last test passed, UTC."),
        Column("tests_passed", "INTEGER", "Data tests that passed."),
        Column("tests_warned", "INTEGER", "Data tests that warned; none failed."),
        Column("dbt_version", "VARCHAR", "Version of dbt that ran last."),
        Column("duckdb_version", "VARCHAR", "Version of DuckDB that dbt used."),
        Column("elearn_version", "VARCHAR", "Version of this package that published them."),
        Column("days_in", "VARCHAR", "Zone whose calendar days the days are."),
        Column("vars", "VARCHAR", "Every var of dbt in force, as JSON."),
    ),
)
"""As it is published; dbt writes that of a warehouse, in dbt_project/macros/build_info.sql."""

CONTENT_TABLES = (USERS, EVENTS, USER_CHANGES, ASSIGNMENTS)
"""What a load replaces, parents before children."""

LOG_TABLES = (LOADS,)
"""What is only ever added to."""

STANDING_TABLES = (USER_CHANGES, *LOG_TABLES)
"""What every warehouse has besides users and events, with rows or without."""

VERSIONED_TABLES = (USERS, EVENTS, USER_CHANGES)
"""What the dataset version names."""

PRIVATE_TABLES = (TRUTH, USER_KEYS, REJECTED_ROWS)
"""What the private file holds, each table only where it has rows."""
