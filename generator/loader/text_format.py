"""How the texts of an export are to be read: spellings of null, numbers, dates, the delimiter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeGuard

import duckdb

from generator.errors import not_allowed
from generator.loader.csv_records import is_utf8
from generator.loader.mapping import TEXT_KEY, Mapping

BLANKS = " \t\n\v\f\r"
"""What is trimmed at both ends of a text, and nothing else."""
NULLS = ("", r"\N")
"""Trimmed texts that are null in every export."""
NULL_LIKE = (
    "null",
    "none",
    "nan",
    "n/a",
    "#n/a",
    "na",
    "<na>",
    "nil",
    "nat",
    "undefined",
    "(null)",
)
"""How others write null, in lower case: values of a text column until an option says otherwise."""
DECIMALS = (".", ",")
TIMES_OF_DAY = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
"""What may follow a date whose pattern has no time of day."""

UTC = "UTC"
MAX_PATTERN = 200
"""Characters of the longest pattern or name of a zone."""

_A_DAY = "timestamp '2021-03-04'"


@dataclass(frozen=True)
class TextFormat:
    """What cannot be seen from a text alone, and is never guessed.

    The columns of a Parquet file may have types of their own: the decimals of a number and the
    spelling of a DATE or a TIMESTAMP are no question there.
    """

    nulls: tuple[str, ...] = ()
    """Trimmed texts that are null besides those of NULLS."""
    decimal: str = "."
    """What stands before the decimals of a number: one of DECIMALS."""
    date_format: str | None = None
    """Pattern of strptime for dates; a time of day may follow it. None is ISO 8601."""
    ticks: int = 0
    """Parts of a second in which times are counted since 1970; 0 for dates that are written."""
    timezone: str = UTC
    """The zone of times without an offset."""
    days_in: str = UTC
    """The zone as whose wall-clock times all times are stored."""
    unit: str = ""
    """What a measure is in, where that is not the unit in which it is stored."""
    has_text_keys: bool = False
    """Whether the ids of users are texts."""
    delimiter: str = field(default=",", compare=False)
    """What separates the cells of a CSV file; found by its header."""

    def __post_init__(self) -> None:
        """Raise UsageError, which names the option, where a value is not allowed."""
        for text in self.nulls:
            if text != text.strip(BLANKS) or not is_utf8(text):
                raise not_allowed("--null", text, "a text in UTF-8 without blanks around it")
        if self.decimal not in DECIMALS:
            raise not_allowed("--decimal", self.decimal, "a point or a comma")
        if self.days_in != UTC and not is_time_zone(self.days_in):
            raise not_allowed("--days-in", self.days_in, "an IANA zone such as 'Europe/Berlin'")
        if self.date_format is not None and not is_date_pattern(self.date_format):
            allowed = "a pattern of strptime with year, month and day, such as '%d.%m.%Y'"
            raise not_allowed("--date-format", self.date_format, allowed)

    @classmethod
    def of(
        cls,
        mapping: Mapping | None,
        nulls: Sequence[str],
        decimal: str | None,
        date_format: str | None,
        days_in: str | None,
    ) -> TextFormat:
        """Return the format that a mapping and options give; the options win."""
        said = mapping or Mapping("")
        return cls(
            nulls=(*nulls, *said.nulls),
            decimal=(said.decimal or ".") if decimal is None else decimal,
            date_format=date_format,
            has_text_keys=said.user_key == TEXT_KEY,
            days_in=(said.days_in or UTC) if days_in is None else days_in,
        )

    @property
    def given(self) -> dict[str, object]:
        """What differs from the plain format, as JSON-ready values."""
        given: dict[str, object] = {}
        if self.nulls:
            given["null"] = list(self.nulls)
        if self.decimal != ".":
            given["decimal"] = self.decimal
        if self.date_format is not None:
            given["date_format"] = self.date_format
        return given

    @property
    def converts_times(self) -> bool:
        """Whether times are stored in another zone than UTC, or given in one."""
        return (self.timezone, self.days_in) != (UTC, UTC)

    @property
    def counts_days(self) -> bool:
        """Whether dates count days or weeks, which the engine does on into the next year."""
        return bool(re.search("%[jUVWG]", self.date_format or ""))

    @property
    def date_formats(self) -> list[str]:
        """Every pattern of a date without a time of day; empty for ISO 8601."""
        if self.date_format is None or _tells_time(self.date_format):
            return []
        return [self.date_format]

    @property
    def time_formats(self) -> list[str]:
        """Every pattern of a date with a time of day; empty for ISO 8601."""
        if self.date_format is None:
            return []
        if _tells_time(self.date_format):
            return [self.date_format]
        return [f"{self.date_format} {time}" for time in TIMES_OF_DAY]

    @property
    def has_offset(self) -> bool:
        """Whether the pattern of dates reads an offset."""
        return bool(re.search("%[zZ]", self.date_format or ""))


PLAIN = TextFormat()
"""Points before decimals, dates in ISO 8601, and no word for null."""


def is_date_pattern(pattern: object) -> bool:
    """Tell whether a day that is written by a pattern can be read by it."""
    return _is_short_text(pattern) and _holds(
        pattern, f"try_strptime(strftime({_A_DAY}, $1), $1) = {_A_DAY}"
    )


def is_time_zone(name: object) -> bool:
    """Tell whether a name is that of an IANA zone, written as there."""
    return _is_short_text(name) and _holds(
        name, "exists (from pg_timezone_names() where name = $1)"
    )


def _is_short_text(value: object) -> TypeGuard[str]:
    is_text = isinstance(value, str) and len(value) <= MAX_PATTERN
    return is_text and is_utf8(str(value)) and "\0" not in str(value)


def _tells_time(pattern: str) -> bool:
    """Tell whether a pattern says more than the day."""
    return _holds(pattern, f"strftime({_A_DAY}, $1) <> strftime({_A_DAY} + interval 9 hour, $1)")


@cache  # a load asks a hundred times, and to start an engine takes ten milliseconds
def _holds(pattern: str, condition: str) -> bool:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        try:
            return con.execute(f"select {condition}", [pattern]).fetchall() == [(True,)]
        except duckdb.Error:
            return False
