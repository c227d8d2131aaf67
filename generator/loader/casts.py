r"""Texts of an export to typed values, as SQL over the text of a cell.

Every expression is null where the text is not what the contract allows. Each has a fast way for
the texts that exports are full of (a cast that gives back the very text it came from) and a
strict slow one for the rest, because the engine's own casts are more generous than the contract:
1.5 and 0x10 become integers, time zones are dropped, words after a date ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.loader.text_format import BLANKS, NULLS, PLAIN, TextFormat
from generator.warehouse.sql import quoted, quoted_list

WHOLE = r"([+-]?\d+)(?:\.0*)?"
"""A whole number; also as 7.0, which pandas writes when other rows have none."""
_PLAIN_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
NUMBER = _PLAIN_NUMBER + r"(?:[eE][+-]?\d+)?"
_STAMP = r"\d{4}-\d{2}-\d{2}(?:[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
_ZONE = r" ?(?:Z|z|UTC|GMT|([+-])(0\d|1[0-5]):?([0-5]\d)?)?"
_MOMENT = f"({_STAMP}){_ZONE}"


@dataclass(frozen=True)
class Cell:
    """The cell of a column in every row: SQL of its text, and how that is to be read."""

    raw: str
    """The text as it stands in the file."""
    format: TextFormat = PLAIN

    @property
    def text(self) -> str:
        """The text; null where it is one of the format's spellings of null."""
        if not self.format.nulls:
            return self.raw
        spelled = f"trim({self.raw}, {quoted(BLANKS)}) in ({quoted_list(self.format.nulls)})"
        return f"(case when not {spelled} then {self.raw} end)"

    @property
    def trimmed(self) -> str:
        """The text without blanks around it; null when nothing is left, or a null."""
        text = f"trim({self.text}, {quoted(BLANKS)})"
        for spelling in NULLS:
            text = f"nullif({text}, {quoted(spelling)})"
        return text

    @property
    def number(self) -> Cell:
        """The cell with a point before the decimals; a point in it becomes a comma, which fails."""
        if self.format.decimal == ".":
            return self
        return Cell(f"translate({self.text}, ',.', '.,')")

    @property
    def day(self) -> Cell:
        """The cell with its date and time in ISO 8601; null where the pattern does not fit."""
        patterns = self.format.date_formats
        if not patterns:
            return self
        moment = f"try_strptime({self.trimmed}, [{quoted_list(patterns)}])"
        if self.format.counts_days:
            same = f"strftime({moment}, {quoted(patterns[0])}) = {self.trimmed}"
            moment = f"case when {same} then {moment} end"
        return Cell(f"strftime({moment}, '%Y-%m-%d %H:%M:%S.%f')")

    def matches(self, pattern: str) -> str:
        """Return whether a regular expression describes all of the trimmed text."""
        return f"regexp_full_match({self.trimmed}, {quoted(pattern)})"


def whole(given: Cell, sql_type: str) -> str:
    """Return a whole number."""
    cell = given.number
    cast = f"try_cast({cell.text} as {sql_type})"
    digits = f"regexp_extract({cell.trimmed}, {quoted(f'^{WHOLE}$')}, 1)"
    return f"""case
        when cast({cast} as varchar) = {cell.text} then {cast}
        when {cell.matches(WHOLE)} then try_cast({digits} as {sql_type})
    end"""


def flag(cell: Cell) -> str:
    """Return 0 or 1 of a text such as 1, 0.0 or true."""
    number = whole(cell, "integer")
    return f"""case lower({cell.trimmed})
        when '1' then 1
        when '0' then 0
        when 'true' then 1
        when 'false' then 0
        else case when {number} in (0, 1) then {number} end
    end"""


def date(given: Cell) -> str:
    """Return a day; of a text with a time of day, its day in UTC."""
    cell = given.day
    cast = f"try_cast({cell.text} as date)"
    return f"""case
        when cast({cast} as varchar) = {cell.text} then {cast}
        else cast({_moment(cell)} as date)
    end"""


def time(given: Cell) -> str:
    """Return a time in UTC; a text without an offset is UTC, one without a time is midnight."""
    cell = given.day
    text = cell.text
    plain = f"replace(left({text}, 19), 'T', ' ')"  # of 2025-01-01T10:00:00Z
    casts = [f"try_cast({written} as timestamp)" for written in (text, plain)]
    is_plain = f"substr({text}, 20) in ('', 'Z') and cast({casts[1]} as varchar) = {plain}"
    return f"""case
        when cast({casts[0]} as varchar) = {text} then {casts[0]}
        when {is_plain} then {casts[1]}
        else {_moment(cell)}
    end"""


def _moment(cell: Cell) -> str:
    """Return any permitted time; an offset is taken off by arithmetic, not by a time zone.

    A date without a time is that day in every zone.
    """
    stamp, sign, hours, minutes = (
        f"regexp_extract({cell.trimmed}, {quoted(f'^{_MOMENT}$')}, {group})"
        for group in (1, 2, 3, 4)
    )
    moment = f"try_cast({stamp} as timestamp)"
    offset = f"60 * cast({hours} as bigint) + coalesce(try_cast({minutes} as bigint), 0)"
    return f"""case when {cell.matches(_MOMENT)} then
        case case when strlen({stamp}) > 10 then {sign} end
            when '+' then {moment} - to_minutes({offset})
            when '-' then {moment} + to_minutes({offset})
            else {moment}
        end
    end"""


def word(cell: Cell, allowed: tuple[str, ...]) -> str:
    """Return one of the allowed words, in lower case."""
    among, lowered = f"in ({quoted_list(allowed)})", f"lower({cell.trimmed})"
    is_ascii = (
        f"strlen({cell.text}) = length({cell.text})"  # lower() also makes a plain i of others
    )
    return f"""case
        when {cell.text} {among} then {cell.text}
        when {is_ascii} and {lowered} {among} then {lowered}
    end"""


def name(cell: Cell) -> str:
    """Return the trimmed text."""
    return f"""case
        when {cell.text} in ({quoted_list(NULLS)}) then null
        when regexp_matches({cell.text}, '^[\\s\\v]|[\\s\\v]$') then {cell.trimmed}
        else {cell.text}
    end"""


def measure(given: Cell, low: float, high: float) -> str:
    """Return a number within a range, rounded half away from zero to four decimals.

    The engine rounds the text of a plain number right, but not one with an exponent (9.1e-06
    becomes 0.0001): that takes the way over its double, whose shortest text has no exponent from
    0.0001 on.
    """
    cell = given.number
    text, number = cell.text, f"try_cast({cell.trimmed} as double)"
    in_range = f"between {low} and {high}"
    return f"""case
        when regexp_full_match({text}, {quoted(_PLAIN_NUMBER)})
        then case when try_cast({text} as double) {in_range} then {_rounded(text)} end
        when {cell.matches(NUMBER)} and {number} {in_range} then case
            when {number} < 0.00005 then 0
            when {number} < 0.0001 then 0.0001
            else {_rounded(f"cast({number} as varchar)")}
        end
    end"""


def _rounded(text: str) -> str:
    return f"cast(try_cast({text} as decimal(18, 4)) as double)"
