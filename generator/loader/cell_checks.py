"""Checks of single cells, and what is said of the texts that fail them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from generator.loader.casts import NUMBER, WHOLE, Cell
from generator.loader.columns import Columns
from generator.loader.measures import ISO_DURATION, OF, highest, is_duration
from generator.loader.rules import Check, Fault
from generator.loader.text_format import NULL_LIKE, TextFormat
from generator.vocabulary import FIRST_DATE, LAST_DATE
from generator.warehouse.sql import quoted_list

Cast = Callable[[Cell], str]

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

TICKS = {1: "seconds", 1000: "milliseconds"}
PLAIN_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
"""A time of day that is read behind a date of any pattern."""


@dataclass(frozen=True)
class CellChecks:
    """Checks that look at the text of a cell too."""

    columns: Columns

    def required(self, column: str, *others: Fault, unless: str = "false") -> Check:
        """Return the check of a value that must be there, but for some rows."""
        is_missing = Fault(column, f"{column} is missing", self.is_missing(column))
        return Check(f"{column} is null and not ({unless})", (is_missing, *others))

    def is_missing(self, column: str) -> str:
        """Return whether there is nothing in a cell."""
        return f"{self.columns.cell(column).trimmed} is null"

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
        return self.required(column, outside, fault_of(column, "is not a whole number"))

    def measure(self, column: str, limits: str) -> Check:
        """Return the check of a number that may be missing."""
        cell = self.columns.cell(column)
        outside = f"{column} is outside {limits}"
        if cell.format.unit == ISO_DURATION:
            no_duration = fault_of(column, "is not a duration from weeks to seconds as in PT1H30M")
            return self.given(
                column, column, Fault(column, outside, is_duration(cell)), no_duration
            )
        is_number = cell.number.matches(NUMBER)
        faults = [
            Fault(column, outside, is_number),
            *self._if_read_otherwise(column),
            fault_of(column, "is not a number"),
        ]
        if cell.format.unit == OF:
            is_alone = (
                f"{is_number} and not coalesce({highest(cell).number.matches(NUMBER)}, false)"
            )
            faults.insert(0, Fault(column, f"{column} has no highest possible score", is_alone))
        return self.given(column, column, *faults)

    def _word_for_null(self, column: str) -> Fault:
        is_word = f"lower({self.columns.cell(column).trimmed}) in ({quoted_list(NULL_LIKE)})"
        return Fault(column, f"{column} is a word for null (--null reads it)", is_word)

    def _if_read_otherwise(self, column: str) -> Iterable[Fault]:
        """Yield what an option would read."""
        cell = self.columns.cell(column)
        yield self._word_for_null(column)
        if self.columns.format.decimal == ".":
            has_comma = Cell(cell.raw, TextFormat(decimal=",")).number.matches(NUMBER)
            yield Fault(
                column,
                f"{column} has a comma (--decimal , reads it as the decimal mark)",
                has_comma,
            )

    def no_date(self, column: str, such_as: str) -> Iterable[Fault]:
        """Yield what a text may be that is no date or time."""
        yield self._word_for_null(column)
        ticks, pattern = self.columns.written(column)
        if ticks:
            yield fault_of(column, f"is not a number of {TICKS[ticks]} since 1970")
            return
        if pattern is not None:
            yield fault_of(column, f"is not a date written {pattern!r}")
            return
        cell = self.columns.cell(column)
        for shape, what, patterns in DATE_ORDERS:
            reason = f"{column} {what} (--date-format {patterns} reads it)"
            yield Fault(column, reason, cell.matches(f"{shape}(?: {PLAIN_TIME})?"))
        any_shape = "|".join(shape for shape, _, _ in DATE_ORDERS)
        reason = f"{column} has a date and a time that --date-format has to spell out"
        yield Fault(column, reason, cell.matches(f"(?:{any_shape})[ T].+"))
        yield fault_of(column, f"is not {such_as}")

    def folders(self, cast: dict[str, Cast], value: dict[str, str]) -> Check:
        """Return the check of columns that stand in the file and in the names of its folders.

        ``value`` names the value of a column where it has not the column's own name.
        """
        differs = {
            column: _differs(column, self.columns.folder(column), read, value.get(column, column))
            if column in self.columns.disputed
            else "false"
            for column, read in cast.items()
        }
        faults = (
            Fault(column, f"{column} is not what the name of its folder says", condition)
            for column, condition in differs.items()
        )
        any_differs = " or ".join(f"({condition})" for condition in differs.values())
        return Check(f"text_folders is not null and ({any_differs})", tuple(faults))


def _differs(column: str, folder: Cell, read: Cast, value: str) -> str:
    """Tell whether a folder says something else than a value, or something that is no value."""
    found = read(folder)
    is_wrong = f"({found} is null and {folder.trimmed} is not null)"
    return (
        f"json_exists(text_folders, '$.{column}')"
        f" and ({is_wrong} or {found} is distinct from {value})"
    )


def fault_of(column: str, reason: str) -> Fault:
    """Return a fault whose reason names its column."""
    return Fault(column, f"{column} {reason}")


def check_of(column: str, broken: str, reason: str) -> Check:
    """Return a check with one reason."""
    return Check(broken, (fault_of(column, reason),))


def within_days(column: str) -> Check:
    """Return the check of a date or time that the tables take."""
    days = f"between date '{FIRST_DATE}' and date '{LAST_DATE}'"
    is_outside = f"cast({column} as date) not {days}"
    return check_of(column, is_outside, f"is outside {FIRST_DATE}..{LAST_DATE}")


def no_nul(column: str) -> Check:
    """Return the check of a text that no database may be given."""
    return check_of(column, f"contains({column}, chr(0))", "holds a NUL character")
