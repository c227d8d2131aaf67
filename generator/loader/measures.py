"""Texts of measures to typed values, as SQL: numbers, units, shares and durations.

Every conversion is exact, and rounded once, half away from zero, to four decimals.
"""

from __future__ import annotations

from dataclasses import replace

from generator.loader.casts import NUMBER, PLAIN_NUMBER, Cell
from generator.loader.text_format import PLAIN
from generator.warehouse.sql import quoted

_SHORT_NUMBER = r"\d{1,11}(?:\.\d{0,4})?"
_EXACT = "decimal(30, 18)"
"""Every number that is no measure beyond all limits, with what it takes to round it once."""
OF, ISO_DURATION = "of", "iso8601"
"""Units that are no numbers alone: a part of the highest possible score, and a length of time."""
_PART = r"(\d+(?:[.,]\d+)?)"
_DURATION = f"P(?:{_PART}W)?(?:{_PART}D)?(?:T(?:{_PART}H)?(?:{_PART}M)?(?:{_PART}S)?)?"
_DURATION_END = r"^[^.,]*(?:[.,]\d+)?[WDHMS]$"
"""Decimals stand in the last part alone, and there is at least one part."""
_SECONDS_OF = (604_800, 86_400, 3_600, 60, 1)
"""Seconds of the parts of a duration, in their order."""
_ENDLESS_SECONDS = 10**12
"""What counts for a part that has too many digits; it is beyond every limit."""


def measure(given: Cell, low: float, high: float) -> str:
    """Return a number within a range, rounded half away from zero to four decimals.

    The engine rounds the text of a plain number right, but not one with an exponent (9.1e-06
    becomes 0.0001): that takes the way over its double, whose shortest text has no exponent from
    0.0001 on.
    """
    if given.format.unit == OF:
        return share(given, highest(given))
    if given.format.unit:
        return _converted(given, high)
    cell = given.number
    text, number = cell.text, f"try_cast({cell.trimmed} as double)"
    in_range = f"between {low} and {high}"
    return f"""case
        when regexp_full_match({text}, {quoted(PLAIN_NUMBER)})
        then case when try_cast({text} as double) {in_range} then {_rounded(text)} end
        when {cell.matches(NUMBER)} and {number} {in_range} then case
            when {number} < 0.00005 then 0
            when {number} < 0.0001 then 0.0001
            else {_rounded(f"cast({number} as varchar)")}
        end
    end"""


def _converted(cell: Cell, high: float) -> str:
    """Return a measure of another unit, converted exactly and rounded once."""
    unit = cell.format.unit
    slow = _converted_by_decimals(cell, high)
    if unit not in _BY_WHOLE_NUMBERS:
        return slow
    # Texts with four decimals at most are whole numbers of ten-thousandths, which doubles hold.
    given = f"cast(round(try_cast({cell.number.trimmed} as double) * 10000) as bigint)"
    most = int(high * _UNITS[unit][0] * 10_000)
    converted = _BY_WHOLE_NUMBERS[unit].format(given)
    return f"""case
        when regexp_full_match({cell.number.trimmed}, {quoted(_SHORT_NUMBER)})
        then case when {given} <= {most} then cast({converted} as double) / 10000 end
        else {slow}
    end"""


def _converted_by_decimals(cell: Cell, high: float) -> str:
    unit = cell.format.unit
    given = f"({duration(cell)})" if unit == ISO_DURATION else f"({exact(cell)})"
    number = f"case when {given} between 0 and {int(high * _UNITS[unit][0])} then {given} end"
    return f"cast({_UNITS[unit][1].format(number)} as double) / 10000"


_UNITS = {
    "seconds": (60, "((cast(floor({} * 10000) as hugeint) + 30) // 60)"),
    ISO_DURATION: (60, "((cast(floor({} * 10000) as hugeint) + 30) // 60)"),
    "milliseconds": (60_000, "((cast(floor({}) as hugeint) + 3) // 6)"),
    "fraction": (0.01, "cast({} * 1000000 as decimal(38, 0))"),
    "cents": (100, "cast({} * 100 as decimal(38, 0))"),
}
"""Of each unit: how many make one of raw's, and the ten-thousandths of raw's unit. Minutes are
rounded half up by whole numbers, as a third of a minute has no end of decimals."""
_BY_WHOLE_NUMBERS = {
    "seconds": "(({} + 30) // 60)",
    "milliseconds": "(({} // 10000 + 3) // 6)",
    "fraction": "({} * 100)",
    "cents": "(({} + 50) // 100)",
}
"""The same of ten-thousandths of the unit."""


def exact(cell: Cell) -> str:
    """Return the number of a text with all its decimals."""
    text = cell.number.trimmed
    short = f"cast(try_cast({text} as double) as varchar)"
    return f"""case
        when regexp_full_match({text}, {quoted(PLAIN_NUMBER)}) then try_cast({text} as {_EXACT})
        when regexp_full_match({text}, {quoted(NUMBER)}) then try_cast({short} as {_EXACT})
    end"""


def highest(score: Cell) -> Cell:
    """Return the cell of the highest possible score beside a score, which has a point."""
    return Cell("text_highest", replace(score.format, decimal=PLAIN.decimal), is_clean=True)


def share(part: Cell, whole_text: Cell) -> str:
    """Return how many percent a number is of another, rounded once to four decimals."""
    numbers = (f"({exact(cell)})" for cell in (part, whole_text))
    given, highest = (f"cast(replace(cast({n} as varchar), '.', '') as hugeint)" for n in numbers)
    is_share = f"{given} between 0 and {highest} and {highest} > 0"
    rounded = f"(2000000 * {given} + {highest}) // (2 * {highest})"
    return f"case when {is_share} then cast({rounded} as double) / 10000 end"


def duration(cell: Cell) -> str:
    """Return the seconds of a duration in ISO 8601; years and months have no fixed length."""
    parts = (
        f"regexp_extract({cell.trimmed}, {quoted(f'^{_DURATION}$')}, {group + 1})"
        for group in range(len(_SECONDS_OF))
    )
    seconds = " + ".join(
        f"case when {part} = '' then 0 else coalesce("
        f"try_cast(replace({part}, ',', '.') as decimal(22, 9)), {_ENDLESS_SECONDS}) end * {length}"
        for part, length in zip(parts, _SECONDS_OF, strict=True)
    )
    return f"case when {is_duration(cell)} then {seconds} end"


def is_duration(cell: Cell) -> str:
    """Return whether a text is a duration with at least one part."""
    ends_well = f"regexp_matches({cell.trimmed}, {quoted(_DURATION_END)})"
    return f"({cell.matches(_DURATION)} and {ends_well})"


def _rounded(text: str) -> str:
    return f"cast(try_cast({text} as decimal(18, 4)) as double)"
