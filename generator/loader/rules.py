"""The rules of a real export: typed values, and for a row that breaks one the first reason."""

from __future__ import annotations

from dataclasses import dataclass

from generator.loader import casts
from generator.loader.casts import NUMBER, WHOLE, matches, trimmed
from generator.loader.csv_records import BROKEN
from generator.vocabulary import EVENT_TYPES, FIRST_DATE, LAST_DATE, PAYMENT_TYPES, PLANS
from generator.warehouse.sql import quoted
from generator.warehouse.tables import EVENTS, USERS, Table


@dataclass(frozen=True)
class Fault:
    """One reason for which a row is rejected."""

    column: str
    """The column whose text is shown with it."""
    reason: str
    condition: str = "true"
    """SQL that tells it from the later faults of the same check."""


@dataclass(frozen=True)
class Check:
    """A condition that no good row meets, and what it may come down to."""

    broken: str
    faults: tuple[Fault, ...]
    """The first whose condition holds applies; the last one always does."""


@dataclass(frozen=True)
class Rules:
    """How the texts of one table become rows."""

    table: Table
    required: tuple[str, ...]
    """Columns that every file has."""
    optional: tuple[str, ...]
    values: dict[str, str]
    """SQL of each value; a later one may use an earlier one."""
    checks: tuple[Check, ...]
    """In the order in which their reasons apply."""
    late_faults: tuple[Fault, ...]
    """Reasons that take other rows to find, in order."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read from a file."""
        return self.required + self.optional

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every reason; the number of a fault is its position, from 1."""
        broken = tuple(Fault("line", reason) for reason in BROKEN)
        return broken + self.own_faults + self.late_faults

    @property
    def own_faults(self) -> tuple[Fault, ...]:
        """Reasons that the cells of a row give by themselves."""
        return tuple(fault for check in self.checks for fault in check.faults)

    def number(self, fault: Fault) -> int:
        """Return the number of a fault."""
        return self.faults.index(fault) + 1

    def typed(self, texts: str) -> str:
        """Return the query that types and checks the rows of a relation of texts.

        Parameters
        ----------
        texts
            Query with a column ``text_<column>`` for each of ``columns``, and ``broken`` and
            ``text_line``: the number of the fault and the text of a record without cells.
        """
        values = ", ".join(f"{value} as {name}" for name, value in self.values.items())
        return f"""
            select {", ".join(self.table.column_names)}, fault,
                case when fault is not null then {self._offender()} end as offender
            from (
                select *, cast(coalesce(broken, {self._fault()}) as utinyint) as fault
                from (select *, {values} from ({texts}))
            )
        """

    def _fault(self) -> str:
        branches = (f"when {check.broken} then {self._reason(check)}" for check in self.checks)
        return f"case {' '.join(branches)} end"

    def _reason(self, check: Check) -> str:
        faults = (f"when {fault.condition} then {self.number(fault)}" for fault in check.faults)
        return f"case {' '.join(faults)} end"

    def _offender(self) -> str:
        shown = [(self.number(fault), fault.column) for fault in self.own_faults]
        texts = (f"when {number} then text_{column}" for number, column in shown)
        return f"case fault {' '.join(texts)} else text_line end"


def _required(column: str, *others: Fault) -> Check:
    """Return the check of a value that must be there."""
    missing = Fault(column, f"{column} is missing", f"{trimmed(column)} is null")
    return Check(f"{column} is null", (missing, *others))


def _given(column: str, value: str, *faults: Fault) -> Check:
    """Return the check of a text that may be missing, but must be right where it is given."""
    broken = f"text_{column} is not null and {value} is null and {trimmed(column)} is not null"
    return Check(broken, faults)


def _wrong(column: str, broken: str, reason: str) -> Check:
    """Return a check with one reason."""
    return Check(broken, (_not(column, reason),))


def _not(column: str, reason: str) -> Fault:
    return Fault(column, f"{column} {reason}")


def _outside(column: str, pattern: str, limits: str) -> Fault:
    return Fault(column, f"{column} is outside {limits}", matches(column, pattern))


def _id(column: str, bits: int) -> Check:
    outside = _outside(column, WHOLE, f"{-(2 ** (bits - 1))}..{2 ** (bits - 1) - 1}")
    return _required(column, outside, _not(column, "is not a whole number"))


def _within_days(column: str) -> Check:
    days = f"between date '{FIRST_DATE}' and date '{LAST_DATE}'"
    return _wrong(
        column, f"cast({column} as date) not {days}", f"is outside {FIRST_DATE}..{LAST_DATE}"
    )


def _measure(column: str, limits: str) -> Check:
    outside = _outside(column, NUMBER, limits)
    return _given(column, column, outside, _not(column, "is not a number"))


def _no_nul(column: str) -> Check:
    return _wrong(column, f"contains({column}, chr(0))", "holds a NUL character")


_PAYMENT = f"event_type in ({', '.join(map(quoted, PAYMENT_TYPES))})"

STANDS_AGAIN = "stands again"
STORED_ALREADY = "is stored already"
UNKNOWN_USER = Fault("user_id", "user_id is not among the users")
BEFORE_SIGNUP = Fault("event_time", "event_time is before the user's signup_date")


def _key_faults(key: str) -> tuple[Fault, ...]:
    return tuple(Fault(key, f"{key} {reason}") for reason in (STORED_ALREADY, STANDS_AGAIN))


USER_RULES = Rules(
    table=USERS,
    required=("user_id", "signup_date", "plan", "country", "marketing_source"),
    optional=("is_paid", "engagement_score"),
    values={
        "user_id": casts.whole("user_id", "integer"),
        "signup_date": casts.date("signup_date"),
        "plan": casts.word("plan", PLANS),
        "is_paid": "case plan when 'paid' then 1 when 'free' then 0 end",
        "given_paid": casts.flag("is_paid"),
        "country": casts.name("country"),
        "marketing_source": casts.name("marketing_source"),
        "engagement_score": casts.measure("engagement_score", 0, 1),
    },
    checks=(
        _id("user_id", 32),
        _required("signup_date", _not("signup_date", "is not a date such as 2025-01-31")),
        _within_days("signup_date"),
        _required("plan", _not("plan", "is not free or paid")),
        _given("is_paid", "given_paid", _not("is_paid", "is not 0 or 1")),
        _required("country"),
        _no_nul("country"),
        _required("marketing_source"),
        _no_nul("marketing_source"),
        _measure("engagement_score", "0..1"),
        _wrong("is_paid", "given_paid <> is_paid", "is not what plan says"),
    ),
    late_faults=_key_faults("user_id"),
)

EVENT_RULES = Rules(
    table=EVENTS,
    required=("event_id", "user_id", "event_time", "event_type"),
    optional=("event_date", "course_name", "watch_minutes", "quiz_score", "amount"),
    values={
        "event_id": casts.whole("event_id", "bigint"),
        "user_id": casts.whole("user_id", "integer"),
        "event_time": casts.time("event_time"),
        "event_type": casts.word("event_type", EVENT_TYPES),
        "event_date": "cast(event_time as date)",
        "given_date": f"""case
            when text_event_date = cast(event_date as varchar) then event_date
            else {casts.date("event_date")}
        end""",
        "course_name": casts.name("course_name"),
        "watch_minutes": casts.measure("watch_minutes", 0, 1_000_000),
        "quiz_score": casts.measure("quiz_score", 0, 100),
        # What rounds to 0 would be stored as 0.
        "amount": f"nullif({casts.measure('amount', 0, 1_000_000_000)}, 0)",
    },
    checks=(
        _id("event_id", 64),
        _id("user_id", 32),
        _required("event_time", _not("event_time", "is not a time such as 2025-01-31 13:45:00")),
        _within_days("event_time"),
        _required("event_type", _not("event_type", f"is none of {', '.join(EVENT_TYPES)}")),
        _given("event_date", "given_date", _not("event_date", "is not a date such as 2025-01-31")),
        _no_nul("course_name"),
        _measure("watch_minutes", "0..1000000"),
        _measure("quiz_score", "0..100"),
        _measure("amount", "0.0001..1000000000"),
        _wrong("event_date", "given_date <> event_date", "is not the date of event_time"),
        _wrong("amount", f"amount is null and {_PAYMENT}", "is missing on a payment"),
    ),
    late_faults=(UNKNOWN_USER, BEFORE_SIGNUP, *_key_faults("event_id")),
)
