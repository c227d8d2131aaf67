r"""Texts of an export to typed values, as SQL over columns named ``text_<column>``.

Every expression is null where the text is not what the contract allows. Each has a fast way for
the texts that exports are full of (a cast that gives back the very text it came from) and a
strict slow one for the rest, because the engine's own casts are more generous than the contract:
1.5 and 0x10 become integers, time zones are dropped, words after a date ignored.
"""

from __future__ import annotations

from generator.warehouse.sql import quoted

_BLANKS = r"E' \t\n\r\f\v'"

WHOLE = r"([+-]?\d+)(?:\.0*)?"
"""A whole number; also as 7.0, which pandas writes when other rows have none."""
_PLAIN_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
NUMBER = _PLAIN_NUMBER + r"(?:[eE][+-]?\d+)?"
_STAMP = r"\d{4}-\d{2}-\d{2}(?:[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
_ZONE = r" ?(?:Z|z|UTC|GMT|([+-])(0\d|1[0-5]):?([0-5]\d)?)?"
_MOMENT = f"({_STAMP}){_ZONE}"


def trimmed(column: str) -> str:
    """Return the text without blanks around it; null when nothing is left."""
    return f"nullif(trim(text_{column}, {_BLANKS}), '')"


def matches(column: str, pattern: str) -> str:
    """Return whether a regular expression describes all of the trimmed text."""
    return f"regexp_full_match({trimmed(column)}, {quoted(pattern)})"


def whole(column: str, sql_type: str) -> str:
    """Return a whole number."""
    cast = f"try_cast(text_{column} as {sql_type})"
    digits = f"regexp_extract({trimmed(column)}, {quoted(f'^{WHOLE}$')}, 1)"
    return f"""case
        when cast({cast} as varchar) = text_{column} then {cast}
        when {matches(column, WHOLE)} then try_cast({digits} as {sql_type})
    end"""


def flag(column: str) -> str:
    """Return 0 or 1 of a text such as 1, 0.0 or true."""
    return f"""case lower({trimmed(column)})
        when '1' then 1
        when '0' then 0
        when 'true' then 1
        when 'false' then 0
        else case when {whole(column, "integer")} in (0, 1) then {whole(column, "integer")} end
    end"""


def date(column: str) -> str:
    """Return a day; of a text with a time of day, its day in UTC."""
    cast = f"try_cast(text_{column} as date)"
    return f"""case
        when cast({cast} as varchar) = text_{column} then {cast}
        else cast({_moment(column)} as date)
    end"""


def time(column: str) -> str:
    """Return a time in UTC; a text without an offset is UTC, one without a time is midnight."""
    text = f"text_{column}"
    plain = f"replace(left({text}, 19), 'T', ' ')"  # of 2025-01-01T10:00:00Z
    casts = [f"try_cast({written} as timestamp)" for written in (text, plain)]
    is_plain = f"substr({text}, 20) in ('', 'Z') and cast({casts[1]} as varchar) = {plain}"
    return f"""case
        when cast({casts[0]} as varchar) = {text} then {casts[0]}
        when {is_plain} then {casts[1]}
        else {_moment(column)}
    end"""


def _moment(column: str) -> str:
    """Return any permitted time; an offset is taken off by arithmetic, not by a time zone."""
    stamp, sign, hours, minutes = (
        f"regexp_extract({trimmed(column)}, {quoted(f'^{_MOMENT}$')}, {group})"
        for group in (1, 2, 3, 4)
    )
    moment = f"try_cast({stamp} as timestamp)"
    offset = f"60 * cast({hours} as bigint) + coalesce(try_cast({minutes} as bigint), 0)"
    return f"""case when {matches(column, _MOMENT)} then
        case {sign}
            when '+' then {moment} - to_minutes({offset})
            when '-' then {moment} + to_minutes({offset})
            else {moment}
        end
    end"""


def word(column: str, allowed: tuple[str, ...]) -> str:
    """Return one of the allowed words, in lower case."""
    text, among = f"text_{column}", f"in ({', '.join(map(quoted, allowed))})"
    lowered = f"lower({trimmed(column)})"
    is_ascii = f"strlen({text}) = length({text})"  # lower() also makes a plain i of others
    return f"""case
        when {text} {among} then {text}
        when {is_ascii} and {lowered} {among} then {lowered}
    end"""


def name(column: str) -> str:
    """Return the trimmed text."""
    return rf"""case
        when regexp_matches(text_{column}, '^[\s\v]|[\s\v]$') then {trimmed(column)}
        else nullif(text_{column}, '')
    end"""


def measure(column: str, low: float, high: float) -> str:
    """Return a number within a range, rounded half away from zero to four decimals.

    The engine rounds the text of a plain number right, but not one with an exponent (9.1e-06
    becomes 0.0001): that takes the way over its double, whose shortest text has no exponent from
    0.0001 on.
    """
    text, number = f"text_{column}", f"try_cast({trimmed(column)} as double)"
    in_range = f"between {low} and {high}"
    return f"""case
        when regexp_full_match({text}, {quoted(_PLAIN_NUMBER)})
        then case when try_cast({text} as double) {in_range} then {_rounded(text)} end
        when {matches(column, NUMBER)} and {number} {in_range} then case
            when {number} < 0.00005 then 0
            when {number} < 0.0001 then 0.0001
            else {_rounded(f"cast({number} as varchar)")}
        end
    end"""


def _rounded(text: str) -> str:
    return f"cast(try_cast({text} as decimal(18, 4)) as double)"
