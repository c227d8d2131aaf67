"""Reads a mapping: a TOML file of which every key is checked."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from generator.errors import UsageError
from generator.loader.mapping import (
    DEFAULT,
    DERIVED,
    IGNORE,
    INTEGER_KEY,
    KEPT,
    OPTIONAL,
    REJECT,
    REQUIRED,
    SPARED,
    TEXT_KEY,
    TIMES,
    UNITS,
    WORDS,
    Entry,
    Mapping,
    TableMapping,
)
from generator.loader.mapping_source import text_of
from generator.loader.paths import is_path
from generator.loader.text_format import BLANKS, DECIMALS, is_date_pattern, is_time_zone

TICKS = {"epoch_seconds": 1, "epoch_milliseconds": 1000}
TOP_KEYS = ("days_in", "user_key", "null", "decimal", "users", "events")


def read_mapping(given: str) -> Mapping:
    """Return the mapping of a file, or the shipped one of that name.

    Raises
    ------
    UsageError
        Names the file, the table, the key and what is allowed.
    """
    text = text_of(given)
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{given}: not TOML: {error}") from error
    return _Checker(given).mapping(found)


@dataclass(frozen=True)
class _Checker:
    """Checks what stands in one file; every error names it."""

    file: str

    def mapping(self, found: dict[str, Any]) -> Mapping:
        self._check_keys("", found, TOP_KEYS)
        days_in = found.get("days_in")
        if days_in is not None:
            self._check("days_in", days_in, is_time_zone, "an IANA zone such as 'Europe/Berlin'")
        user_key = found.get("user_key", INTEGER_KEY)
        self._one_of("user_key", user_key, (INTEGER_KEY, TEXT_KEY))
        decimal = found.get("decimal")
        if decimal is not None:
            self._one_of("decimal", decimal, DECIMALS)
        nulls = found.get("null", [])
        allowed = "a list of texts without blanks around them or NUL characters"
        self._check("null", nulls, _are_nulls, allowed)
        return Mapping(
            source=self.file,
            users=self._table("users", found["users"]) if "users" in found else None,
            events=self._table("events", found["events"]) if "events" in found else None,
            days_in=days_in,
            user_key=user_key,
            nulls=tuple(nulls),
            decimal=decimal,
        )

    def _table(self, table: str, found: Any) -> TableMapping:
        self._check(table, found, lambda value: isinstance(value, dict), f"a table [{table}]")
        columns = REQUIRED[table] + OPTIONAL[table]
        for name, source in DERIVED.items():
            if name in found:
                raise self._error(f"[{table}] {name}", f"is never mapped; map {source}")
        self._check_keys(f"[{table}] ", found, (*columns, "only"))
        entries = tuple(
            self._entry(table, column, found[column]) for column in columns if column in found
        )
        only = found.get("only", {})
        self._check(f"[{table}] only", only, _are_lists, "columns, each with a list of texts")
        mapping = TableMapping(table, entries, tuple((name, tuple(only[name])) for name in only))
        for name in only:
            self._check(f"[{table}.only] key", name, is_path, "a column or a path")
        self._check_complete(mapping)
        return mapping

    def _check_complete(self, mapping: TableMapping) -> None:
        """Raise when a column is not filled that raw needs; users may come from the events."""
        if mapping.table == "users" and not mapping.fills_users:
            for entry in mapping.entries:
                if entry.names:
                    raise self._error(
                        f"[users] {entry.column}", "has a from; without user_id give defaults only"
                    )
            others = [name for name in (*TIMES, "engagement_score") if mapping.entry(name)]
            for key in (["only"] if mapping.only else []) + others:
                raise self._error(f"[users] {key}", "is not allowed without user_id")
            return
        for column in REQUIRED[mapping.table]:
            if mapping.entry(column) is None and not mapping.entry(SPARED.get(column, "")):
                raise self._error(f"[{mapping.table}] {column}", "is missing; raw needs it")

    def _entry(self, table: str, column: str, found: Any) -> Entry:
        place = f"[{table}] {column}"
        if isinstance(found, str):
            found = {"from": found}
        self._check(place, found, lambda value: isinstance(value, dict), "a name or a table")
        self._check_keys(f"{place}.", found, _keys_of(column))
        names = self._names(f"{place}.from", found.get("from", []))
        hashed = self._names(f"{place}.hash", found.get("hash", []))
        if bool(names) + bool(hashed) > 1 or not (names or hashed or "default" in found):
            one_of = "one of from and hash" if column == "event_id" else "from"
            raise self._error(place, f"needs {one_of}, or a default")
        default = (
            self._word(f"{place}.default", column, found["default"])
            if ("default" in found)
            else None
        )
        values, others, other = self._values(place, column, found)
        missing = found.get("missing", KEPT)
        if "missing" in found:
            self._one_of(f"{place}.missing", missing, (IGNORE, REJECT))
            if default is not None:
                raise self._error(f"{place}.missing", "stands beside a default; give one of them")
        date_format, ticks = self._format(place, found)
        timezone = found.get("timezone", "UTC")
        zones = "an IANA zone such as 'Europe/Berlin'"
        self._check(f"{place}.timezone", timezone, is_time_zone, zones)
        highest = self._names(f"{place}.of", found.get("of", []))
        return Entry(
            column=column,
            names=names,
            hashed=hashed,
            values=values,
            others=others,
            other=other,
            default=default,
            missing=missing,
            date_format=date_format,
            ticks=ticks,
            timezone=timezone,
            unit=self._unit(place, column, found),
            highest=highest[0] if highest else None,
        )

    def _names(self, place: str, found: Any) -> tuple[str, ...]:
        names = [found] if isinstance(found, str) else found
        allowed = 'a column, a path such as a.b[0]."c.d", or a list of them'
        self._check(place, names, lambda value: isinstance(value, list), allowed)
        for name in names:
            self._check(place, name, is_path, allowed)
        if place.endswith(".of") and len(names) > 1:
            raise self._error(place, "takes one column")
        return tuple(names)

    def _values(
        self, place: str, column: str, found: dict[str, Any]
    ) -> tuple[tuple[tuple[str, str], ...], str, str | None]:
        table = found.get("values", {})
        self._check(f"{place}.values", table, lambda value: isinstance(value, dict), "a table")
        for text in table:
            self._check(f"{place}.values", text, _is_sql_text, "texts without NUL characters")
        values = tuple(
            (text, self._word(f"{place}.values {text[:60]!r}", column, value))
            for text, value in table.items()
        )
        if "others" not in found:
            return values, KEPT, None
        others = found["others"]
        if others in (REJECT, DEFAULT, IGNORE):
            return values, str(others), None
        other = self._word(f"{place}.others", column, others, (DEFAULT, IGNORE, REJECT))
        return values, KEPT, other

    def _word(self, place: str, column: str, value: Any, besides: tuple[str, ...] = ()) -> str:
        """Return a value of a column as text; the empty one means missing."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        self._check(place, value, lambda given: isinstance(given, str) or is_number, "a text")
        text = str(value).strip(BLANKS)
        self._check(place, text, _is_sql_text, "a text without NUL characters")
        words = WORDS.get(column)
        if words and text and text.lower() not in words:
            allowed = ", ".join((*words, *besides))
            raise self._error(place, f"{text[:60]!r} is not allowed; give {allowed}")
        return text

    def _format(self, place: str, found: dict[str, Any]) -> tuple[str | None, int]:
        given = found.get("format", "iso")
        allowed = "iso, epoch_seconds, epoch_milliseconds or a pattern of strptime with year,"
        self._check(
            f"{place}.format",
            given,
            lambda value: value in ("iso", *TICKS) or is_date_pattern(value),
            f"{allowed} month and day",
        )
        if given in TICKS:
            return None, TICKS[given]
        return (None if given == "iso" else given), 0

    def _unit(self, place: str, column: str, found: dict[str, Any]) -> str:
        if "unit" not in found:
            return ""
        if "of" in found:
            raise self._error(f"{place}.unit", "stands beside of; give one of them")
        self._one_of(f"{place}.unit", found["unit"], UNITS[column])
        return "" if found["unit"] == UNITS[column][0] else str(found["unit"])

    def _check_keys(self, place: str, found: dict[str, Any], allowed: Iterable[str]) -> None:
        for key in found:
            if key not in allowed:
                raise self._error(
                    f"{place}{key[:60]}", f"is not allowed; give {', '.join(allowed)}"
                )

    def _one_of(self, place: str, value: Any, allowed: tuple[str, ...]) -> None:
        names = ", ".join(allowed[:-1]) + f" or {allowed[-1]}"
        self._check(place, value, lambda given: isinstance(given, str) and given in allowed, names)

    def _check(self, place: str, value: Any, is_right: Callable[[Any], bool], allowed: str) -> None:
        if not is_right(value):
            raise self._error(place, f"{str(value)[:60]!r} is not allowed; give {allowed}")

    def _error(self, place: str, message: str) -> UsageError:
        return UsageError(f"{self.file}: {place} {message}")


def _keys_of(column: str) -> tuple[str, ...]:
    keys: tuple[str, ...] = ("from", "values", "others", "default", "missing")
    if column == "event_id":
        keys += ("hash",)
    if column in TIMES:
        keys += ("format", "timezone")
    if column in UNITS:
        keys += ("unit",)
    return (*keys, "of") if column == "quiz_score" else keys


def _is_sql_text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_sql_text, value))


def _are_nulls(value: Any) -> bool:
    return _are_texts(value) and all(text == text.strip(BLANKS) for text in value)


def _are_lists(value: Any) -> bool:
    return isinstance(value, dict) and all(_are_texts(texts) for texts in value.values())
