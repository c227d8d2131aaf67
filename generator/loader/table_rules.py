"""The rules of users and of events: how each column is read, and what may be wrong with it."""

from __future__ import annotations

from functools import cache, partial

from generator.loader import casts
from generator.loader.casts import Cell
from generator.loader.cell_checks import (
    Cast,
    CellChecks,
    check_of,
    fault_of,
    no_nul,
    within_days,
)
from generator.loader.columns import TEXTS, Columns
from generator.loader.measures import measure
from generator.loader.rules import (
    FOLDER_OF_ONLY,
    MAPPING_FAULTS,
    VALID_FROM,
    Check,
    Fault,
    Rules,
)
from generator.vocabulary import EVENT_TYPES, PAYMENT_TYPES, PLANS
from generator.warehouse.sql import quoted_list
from generator.warehouse.tables import EVENTS, USERS

A_DATE = "a date such as 2025-01-31"
USER_KEY = "user_key"
"""The staged text of a user's id, where ids are texts."""
EVENT_EXISTS = Fault("event_id", "event_id already exists")
DUPLICATE_EVENT = Fault("event_id", "duplicate event_id")
USER_EXISTS = Fault("user_id", "user_id already exists; give valid_from, the day of the change")
DUPLICATE_USER = Fault("user_id", "duplicate user_id")
OTHER_SIGNUP = Fault("signup_date", "signup_date is not the stored one, which never changes")
CHANGE_OF_NOBODY = Fault(VALID_FROM, "valid_from is given for a user who is not among the users")
CHANGE_OF_SIGNUP = Fault(VALID_FROM, "valid_from stands beside another signup_date of the user")
CHANGE_BEFORE_SIGNUP = Fault(VALID_FROM, "valid_from is before the user's signup_date")
CHANGE_EXISTS = Fault(VALID_FROM, "valid_from already exists for the user")
DUPLICATE_CHANGE = Fault(VALID_FROM, "duplicate valid_from of the user")
UNKNOWN_USER = Fault("user_id", "user_id is not among the users")
BEFORE_SIGNUP = Fault("event_time", "event_time is before the user's signup_date")


@cache
def user_rules(columns: Columns = TEXTS) -> Rules:
    """Return the rules of users for files with such columns; their reasons depend on the format."""
    cast: dict[str, Cast] = {
        "user_id": partial(casts.whole, sql_type="integer"),
        "signup_date": casts.date,
        "valid_from": casts.date,
        "plan": partial(casts.word, allowed=PLANS),
        "country": casts.name,
        "marketing_source": casts.name,
        "is_paid": casts.flag,
        "engagement_score": partial(measure, low=0, high=1),
    }
    value = _values(columns, cast)
    check = CellChecks(columns)
    return Rules(
        table=USERS,
        required=("user_id", "signup_date", "plan", "country", "marketing_source"),
        optional=("valid_from", "is_paid", "engagement_score"),
        values=value
        | {
            "given_is_paid": value["is_paid"],
            "is_paid": "case plan when 'paid' then 1 when 'free' then 0 end",
        },
        checks=(
            *_user_checks(columns, check),
            check.required(
                "signup_date",
                *check.no_date("signup_date", A_DATE),
                unless=f"{check.is_missing('signup_date')} and text_valid_from is not null"
                f" and not {check.is_missing('valid_from')}",
            ),
            within_days("signup_date"),
            check.given("valid_from", "valid_from", *check.no_date("valid_from", A_DATE)),
            within_days("valid_from"),
            Check("valid_from < signup_date", (CHANGE_BEFORE_SIGNUP,)),
            check.required("plan", fault_of("plan", "is not free or paid")),
            check.given("is_paid", "given_is_paid", fault_of("is_paid", "is not 0 or 1")),
            check.required("country"),
            no_nul("country"),
            check.required("marketing_source"),
            no_nul("marketing_source"),
            check.measure("engagement_score", "0..1"),
            check_of("is_paid", "given_is_paid <> is_paid", "is not what plan says"),
            check.folders(*_as_in_folders(columns, cast, {"is_paid": "given_is_paid"})),
        ),
        late_faults=(
            *(OTHER_SIGNUP, CHANGE_OF_NOBODY, CHANGE_OF_SIGNUP, CHANGE_BEFORE_SIGNUP),
            *(USER_EXISTS, DUPLICATE_USER, CHANGE_EXISTS, DUPLICATE_CHANGE),
        ),
        staged={VALID_FROM: "date"} | _staged(columns),
        spared={"signup_date": VALID_FROM},
        mapping_faults=_mapping_faults(columns, cast),
    )


@cache
def event_rules(columns: Columns = TEXTS) -> Rules:
    """Return the rules of events, like :func:`user_rules`."""
    cast: dict[str, Cast] = {
        "event_id": partial(casts.whole, sql_type="bigint"),
        "user_id": partial(casts.whole, sql_type="integer"),
        "event_time": casts.time,
        "event_type": partial(casts.word, allowed=EVENT_TYPES),
        "event_date": casts.date,
        "course_name": casts.name,
        "watch_minutes": partial(measure, low=0, high=1_000_000),
        "quiz_score": partial(measure, low=0, high=100),
        "amount": _amount,
    }
    value = _values(columns, cast)
    check = CellChecks(columns)
    a_time = "a time such as 2025-01-31 13:45:00"
    return Rules(
        table=EVENTS,
        required=("event_id", "user_id", "event_time", "event_type"),
        optional=("event_date", "course_name", "watch_minutes", "quiz_score", "amount"),
        values=value
        | {
            "event_date": "cast(event_time as date)",
            "given_event_date": f"""case
                when text_event_date = cast(cast(event_time as date) as varchar)
                then cast(event_time as date)
                else cast({value["event_date"]} as date)
            end""",
        },
        checks=(
            check.whole("event_id", 64),
            *_user_checks(columns, check),
            check.required("event_time", *check.no_date("event_time", a_time)),
            within_days("event_time"),
            check.required(
                "event_type", fault_of("event_type", f"is none of {', '.join(EVENT_TYPES)}")
            ),
            check.given(
                "event_date",
                "given_event_date",
                *check.no_date("event_date", A_DATE),
            ),
            no_nul("course_name"),
            check.measure("watch_minutes", "0..1000000"),
            check.measure("quiz_score", "0..100"),
            check.measure("amount", "0.0001..1000000000"),
            check_of(
                "event_date", "given_event_date <> event_date", "is not the date of event_time"
            ),
            check_of(
                "amount",
                f"amount is null and event_type in ({quoted_list(PAYMENT_TYPES)})",
                "is missing on a payment",
            ),
            check.folders(*_as_in_folders(columns, cast, {"event_date": "given_event_date"})),
        ),
        late_faults=(UNKNOWN_USER, BEFORE_SIGNUP, EVENT_EXISTS, DUPLICATE_EVENT),
        staged=_staged(columns),
        mapping_faults=_mapping_faults(columns, cast),
    )


def _mapping_faults(columns: Columns, cast: dict[str, Cast]) -> tuple[Fault, ...]:
    if columns.mapping is None:
        return ()
    of_columns = (fault_of(column, said) for column in cast for said in MAPPING_FAULTS.values())
    return (*of_columns, FOLDER_OF_ONLY)


def _values(columns: Columns, cast: dict[str, Cast]) -> dict[str, str]:
    values = {
        column: cast[column](columns.cell(column)) if columns.fills(column) else "null"
        for column in cast
    }
    if not columns.format.has_text_keys:
        return values
    return values | {"user_id": "null", USER_KEY: casts.name(columns.cell("user_id"))}


def _as_in_folders(
    columns: Columns, cast: dict[str, Cast], value: dict[str, str]
) -> tuple[dict[str, Cast], dict[str, str]]:
    """Return how the names of folders are read, and the values with other names than columns."""
    if not columns.format.has_text_keys:
        return cast, value
    return cast | {"user_id": casts.name}, value | {"user_id": USER_KEY}


def _staged(columns: Columns) -> dict[str, str]:
    return {USER_KEY: "varchar"} if columns.format.has_text_keys else {}


def _user_checks(columns: Columns, check: CellChecks) -> tuple[Check, ...]:
    if not columns.format.has_text_keys:
        return (check.whole("user_id", 32),)
    return (
        check_of("user_id", f"{USER_KEY} is null", "is missing"),
        check_of("user_id", f"contains({USER_KEY}, chr(0))", "holds a NUL character"),
    )


def _amount(cell: Cell) -> str:
    # What rounds to 0 would be stored as 0.
    return f"nullif({measure(cell, 0, 1_000_000_000)}, 0)"
