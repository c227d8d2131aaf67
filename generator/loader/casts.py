r"""Texts of an export to typed values, as SQL over the text of a cell.

Every expression is null where the text is not what the contract allows. Each has a fast way for
the texts that exports are full of (a cast that gives back the very text it came from) and a
strict slow one for the rest, because the engine's own casts are more generous than the contract:
1.5 and 0x10 become integers, time zones are dropped, words after a date ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.loader.text_format import BLANKS, NULLS, PLAIN, UTC, TextFormat
from generator.warehouse.sql import quoted, quoted_list

WHOLE = r"([+-]?\d+)(?:\.0*)?"
"""A whole number; also as 7.0, which pandas writes when other rows have none."""
PLAIN_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
NUMBER = PLAIN_NUMBER + r"(?:[eE][+-]?\d+)?"
_STAMP = r"\d{4}-\d{2}-\d{2}(?:[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
_ZONE = r" ?(?:Z|z|UTC|GMT|([+-])(0\d|1[0-5]):?([0-5]\d)?)?"
_MOMENT = f"({_STAMP}){_ZONE}"


@dataclass(frozen=True)
class Cell:
    """The cell of a column in every row: SQL of its text, and how that is to be read."""

    raw: str
    """The text as it stands in the file."""
    format: TextFormat = PLAIN
    is_clean: bool = False
    """Whether a mapping has trimmed it and taken out the nulls."""

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
        if self.is_clean:
            return self.raw
        text = f"trim({self.text}, {quoted(BLANKS)})"
        for spelling in NULLS:
            text = f"nullif({text}, {quoted(spelling)})"
        return text

    @property
    def number(self) -> Cell:
        """The cell with a point before the decimals; a point in it becomes a comma, which fails."""
        if self.format.decimal == ".":
            return self
        return Cell(f"translate({self.text}, ',.', '.,')", is_clean=self.is_clean)

    @property
    def day(self) -> Cell:
        """The cell with its date and time in ISO 8601; null where the pattern does not fit."""
        given = self.format
        if given.date_format is None:
            return self
        written = f"strftime({self._moment(given.time_formats)}, '%Y-%m-%d %H:%M:%S.%f')"
        if given.date_formats:
            day = f"strftime({self._moment(given.date_formats)}, '%Y-%m-%d')"
            written = f"coalesce({day}, {written})"
        zone = UTC if given.has_offset else given.timezone
        return Cell(written, TextFormat(timezone=zone, days_in=given.days_in), is_clean=True)

    def _moment(self, patterns: list[str]) -> str:
        text = self.trimmed
        if (self.format.date_format or "").endswith("%z"):  # which the engine reads as digits alone
            text = f"regexp_replace({text}, 'Z$', '+00')"
        moment = f"try_strptime({text}, [{quoted_list(patterns)}])"
        if not self.format.counts_days:
            return moment
        same = f"strftime({moment}, {quoted(patterns[0])}) = {self.trimmed}"
        return f"case when {same} then {moment} end"

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
    if given.format.ticks:
        return f"cast({_counted(given)} as date)"
    cell = given.day
    cast = f"try_cast({cell.text} as date)"
    return f"""case
        when cast({cast} as varchar) = {cell.text} then {cast}
        else cast({_moment(cell)} as date)
    end"""


def time(given: Cell) -> str:
    """Return a time as it is stored; one without a time of day is midnight of that day."""
    if given.format.ticks:
        return _counted(given)
    cell = given.day
    text = cell.text
    plain = f"replace(left({text}, 19), 'T', ' ')"  # of 2025-01-01T10:00:00Z
    casts = [f"try_cast({written} as timestamp)" for written in (text, plain)]
    is_plain = f"substr({text}, 20) in ('', 'Z') and cast({casts[1]} as varchar) = {plain}"
    return f"""case
        when cast({casts[0]} as varchar) = {text} then {_local(casts[0], cell)}
        when {is_plain} and right({text}, 1) = 'Z' then {_local(casts[1], cell, UTC)}
        when {is_plain} then {_local(casts[1], cell)}
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
    ends_in_zone = f"regexp_matches({cell.trimmed}, '[A-Za-z]$')"
    return f"""case when {cell.matches(_MOMENT)} then
        case
            when strlen({stamp}) = 10 then {moment}
            when {sign} = '+' then {_local(f"({moment} - to_minutes({offset}))", cell, UTC)}
            when {sign} = '-' then {_local(f"({moment} + to_minutes({offset}))", cell, UTC)}
            when {ends_in_zone} then {_local(moment, cell, UTC)}
            else {_local(moment, cell)}
        end
    end"""


def _local(moment: str, cell: Cell, zone: str | None = None) -> str:
    """Return a wall-clock time of a zone, by default that of the format, as it is stored."""
    zone, stored = zone or cell.format.timezone, cell.format.days_in
    if (zone, stored) == (UTC, UTC):
        return moment
    local = f"timezone({quoted(stored)}, timezone({quoted(zone)}, {moment}))"
    # Beyond these the engine fails, and they are no permitted times anyway.
    is_near = f"{moment} between timestamp '1900-01-01' and timestamp '2200-01-01'"
    return f"case when {is_near} then {local} else {moment} end"


def _counted(cell: Cell) -> str:
    """Return a time that is counted since 1970, without what is less than a microsecond."""
    number, ticks = cell.number, cell.format.ticks
    count = f"try_cast({number.trimmed} as decimal(30, 9))"
    # What is beyond all years would be an error; it has its reason as an outside time.
    near = f"least(greatest({count}, {-(10**11) * ticks}), {2 * 10**11 * ticks})"
    moment = f"make_timestamp(cast(floor({near} * {10**6 // ticks}) as bigint))"
    return f"case when {number.matches(NUMBER)} then {_local(moment, cell, UTC)} end"


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
