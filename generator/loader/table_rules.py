"""The rules of users and of events: how each column is read, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial

from generator.loader import casts
from generator.loader.casts import NUMBER, WHOLE, Cell
from generator.loader.rules import Check, Fault, Rules
from generator.loader.text_format import NULL_LIKE, PLAIN, TextFormat
from generator.vocabulary import EVENT_TYPES, FIRST_DATE, LAST_DATE, PAYMENT_TYPES, PLANS
from generator.warehouse.sql import quoted_list
from generator.warehouse.tables import EVENTS, USERS, Table

Cast = Callable[[Cell], str]

DUPLICATE = "duplicate {}"
EXISTS = "{} already exists"
UNKNOWN_USER = Fault("user_id", "user_id is not among the users")
BEFORE_SIGNUP = Fault("event_time", "event_time is before the user's signup_date")

DATE_ORDERS = (
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "has the day first", "'%d.%m.%Y'"),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", "has the day first and a short year", "'%d.%m.%y'"),
    (r"(?:1[3-9]|2\d|3[01])/\d{1,2}/\d{4}", "has the day first", "'%d/%m/%Y'"),
    (r"\d{1,2}/(?:1[3-9]|2\d|3[01])/\d{4}", "has the month first", "'%m/%d/%Y'"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "has the day or the month first", "'%d/%m/%Y' or '%m/%d/%Y'"),
    (r"(?:1[3-9]|2\d|3[01])-\d{1,2}-\d{4}", "has the day first", "'%d-%m-%Y'"),
    (r"\d{1,2}-(?:1[3-9]|2\d|3[01])-\d{4}", "has the month first", "'%m-%d-%Y'"),
    (r"\d{1,2}-\d{1,2}-\d{4}", "has the day or the month first", "'%d-%m-%Y' or '%m-%d-%Y'"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "has slashes", "'%Y/%m/%d'"),
    (r"\d{8}", "has no separators", "'%Y%m%d'"),
)
"""Dates that are not ISO 8601: what they look like, what is said of them, and who reads them."""


@dataclass(frozen=True)
class Columns:
    """The columns of one file: how its texts are to be read, and which are no texts."""

    format: TextFormat = PLAIN
    binary: frozenset[str] = frozenset()
    """Columns with a type of their own, to whose values no format applies."""

    def cell(self, column: str) -> Cell:
        """Return the cell of a column in the file."""
        return Cell(f"text_{column}", PLAIN if column in self.binary else self.format)

    def folder(self, column: str) -> Cell:
        """Return what the folders of the file say of a column."""
        return Cell(f"json_extract_string(text_folders, '$.{column}')", self.format)


TEXTS = Columns()
"""Columns of which all are texts, in the plain format."""


@cache
def user_rules(columns: Columns = TEXTS) -> Rules:
    """Return the rules of users for files with such columns; their reasons depend on the format."""
    cast: dict[str, Cast] = {
        "user_id": partial(casts.whole, sql_type="integer"),
        "signup_date": casts.date,
        "plan": partial(casts.word, allowed=PLANS),
        "country": casts.name,
        "marketing_source": casts.name,
        "is_paid": casts.flag,
        "engagement_score": partial(casts.measure, low=0, high=1),
    }
    value = _values(columns, cast)
    check = _Checks(columns)
    return Rules(
        table=USERS,
        required=("user_id", "signup_date", "plan", "country", "marketing_source"),
        optional=("is_paid", "engagement_score"),
        values=value
        | {
            "given_is_paid": value["is_paid"],
            "is_paid": "case plan when 'paid' then 1 when 'free' then 0 end",
        },
        checks=(
            check.whole("user_id", 32),
            check.required(
                "signup_date", *check.no_date("signup_date", "a date such as 2025-01-31")
            ),
            _within_days("signup_date"),
            check.required("plan", _not("plan", "is not free or paid")),
            check.given("is_paid", "given_is_paid", _not("is_paid", "is not 0 or 1")),
            check.required("country"),
            _no_nul("country"),
            check.required("marketing_source"),
            _no_nul("marketing_source"),
            check.measure("engagement_score", "0..1"),
            _wrong("is_paid", "given_is_paid <> is_paid", "is not what plan says"),
            check.folders(cast, {"is_paid": "given_is_paid"}),
        ),
        late_faults=_key_faults(USERS),
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
        "watch_minutes": partial(casts.measure, low=0, high=1_000_000),
        "quiz_score": partial(casts.measure, low=0, high=100),
        "amount": _amount,
    }
    value = _values(columns, cast)
    check = _Checks(columns)
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
                else {value["event_date"]}
            end""",
        },
        checks=(
            check.whole("event_id", 64),
            check.whole("user_id", 32),
            check.required("event_time", *check.no_date("event_time", a_time)),
            _within_days("event_time"),
            check.required(
                "event_type", _not("event_type", f"is none of {', '.join(EVENT_TYPES)}")
            ),
            check.given(
                "event_date",
                "given_event_date",
                *check.no_date("event_date", "a date such as 2025-01-31"),
            ),
            _no_nul("course_name"),
            check.measure("watch_minutes", "0..1000000"),
            check.measure("quiz_score", "0..100"),
            check.measure("amount", "0.0001..1000000000"),
            _wrong("event_date", "given_event_date <> event_date", "is not the date of event_time"),
            _wrong(
                "amount",
                f"amount is null and event_type in ({quoted_list(PAYMENT_TYPES)})",
                "is missing on a payment",
            ),
            check.folders(cast, {"event_date": "given_event_date"}),
        ),
        late_faults=(UNKNOWN_USER, BEFORE_SIGNUP, *_key_faults(EVENTS)),
    )


def _values(columns: Columns, cast: dict[str, Cast]) -> dict[str, str]:
    return {column: cast[column](columns.cell(column)) for column in cast}


def _amount(cell: Cell) -> str:
    # What rounds to 0 would be stored as 0.
    return f"nullif({casts.measure(cell, 0, 1_000_000_000)}, 0)"


def _key_faults(table: Table) -> tuple[Fault, ...]:
    return tuple(Fault(table.key, reason.format(table.key)) for reason in (EXISTS, DUPLICATE))


@dataclass(frozen=True)
class _Checks:
    """Checks that look at the text of a cell too."""

    columns: Columns

    def required(self, column: str, *others: Fault) -> Check:
        """Return the check of a value that must be there."""
        is_missing = f"{self.columns.cell(column).trimmed} is null"
        return Check(
            f"{column} is null", (Fault(column, f"{column} is missing", is_missing), *others)
        )

    def given(self, column: str, value: str, *faults: Fault) -> Check:
        """Return the check of a text that may be missing, but must be right where it is given."""
        is_given = f"text_{column} is not null"
        is_wrong = f"{value} is null and {self.columns.cell(column).trimmed} is not null"
        return Check(f"{is_given} and {is_wrong}", faults)

    def whole(self, column: str, bits: int) -> Check:
        """Return the check of an id."""
        limits = f"{-(2 ** (bits - 1))}..{2 ** (bits - 1) - 1}"
        outside = Fault(
            column,
            f"{column} is outside {limits}",
            self.columns.cell(column).number.matches(WHOLE),
        )
        return self.required(column, outside, _not(column, "is not a whole number"))

    def measure(self, column: str, limits: str) -> Check:
        """Return the check of a number that may be missing."""
        cell = self.columns.cell(column)
        outside = Fault(column, f"{column} is outside {limits}", cell.number.matches(NUMBER))
        return self.given(
            column,
            column,
            outside,
            *self._if_read_otherwise(column),
            _not(column, "is not a number"),
        )

    def _if_read_otherwise(self, column: str) -> Iterable[Fault]:
        """Yield what an option would read."""
        cell = self.columns.cell(column)
        yield Fault(
            column,
            f"{column} is a word for null (--null reads it)",
            f"lower({cell.trimmed}) in ({quoted_list(NULL_LIKE)})",
        )
        if self.columns.format.decimal == ".":
            has_comma = Cell(cell.raw, TextFormat(decimal=",")).number.matches(NUMBER)
            yield Fault(column, f"{column} has a decimal comma (--decimal , reads it)", has_comma)

    def no_date(self, column: str, such_as: str) -> Iterable[Fault]:
        """Yield what a text may be that is no date or time."""
        pattern = self.columns.format.date_format
        if pattern is not None:
            yield _not(column, f"is not a date written {pattern!r}")
            return
        cell = self.columns.cell(column)
        for shape, what, patterns in DATE_ORDERS:
            reason = f"{column} {what} (--date-format {patterns} reads it)"
            yield Fault(column, reason, cell.matches(f"{shape}(?:[ T].*)?"))
        yield _not(column, f"is not {such_as}")

    def folders(self, cast: dict[str, Cast], value: dict[str, str]) -> Check:
        """Return the check of columns that stand in the file and in the names of its folders.

        ``value`` names the value of a column where it has not the column's own name.
        """
        differs = {
            column: f"json_exists(text_folders, '$.{column}') and "
            f"{read(self.columns.folder(column))} is distinct from {value.get(column, column)}"
            for column, read in cast.items()
        }
        faults = (
            Fault(column, f"{column} is not what the name of its folder says", condition)
            for column, condition in differs.items()
        )
        any_differs = " or ".join(f"({condition})" for condition in differs.values())
        return Check(f"text_folders is not null and ({any_differs})", tuple(faults))


def _not(column: str, reason: str) -> Fault:
    return Fault(column, f"{column} {reason}")


def _wrong(column: str, broken: str, reason: str) -> Check:
    """Return a check with one reason."""
    return Check(broken, (_not(column, reason),))


def _within_days(column: str) -> Check:
    days = f"between date '{FIRST_DATE}' and date '{LAST_DATE}'"
    is_outside = f"cast({column} as date) not {days}"
    return _wrong(column, is_outside, f"is outside {FIRST_DATE}..{LAST_DATE}")


def _no_nul(column: str) -> Check:
    return _wrong(column, f"contains({column}, chr(0))", "holds a NUL character")
