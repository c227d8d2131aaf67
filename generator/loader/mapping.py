"""A mapping: how a foreign export fills the columns of raw.

Only data: :mod:`generator.loader.mapping_file` reads and checks it, and
:mod:`generator.loader.mapped_texts` turns it into SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.vocabulary import EVENT_TYPES, PLANS

REJECT, DEFAULT, IGNORE = "reject", "default", "ignore"
"""What may become of a text that no value names, besides a value; of a missing cell too."""
ALIASES = {"course_id": "course_name"}
"""Names that stand for a column of raw when the column itself is not there."""
KEPT = ""
"""What stands for neither of them: another text stays, and a missing cell is null."""
INTEGER_KEY, TEXT_KEY = "integer", "text"
"""What the ids of users are."""

REQUIRED = {
    "users": ("user_id", "signup_date", "plan", "country", "marketing_source"),
    "events": ("event_id", "user_id", "event_time", "event_type"),
}
OPTIONAL = {
    "users": ("valid_from", "engagement_score"),
    "events": ("course_name", "watch_minutes", "quiz_score", "amount"),
}
DERIVED = {"is_paid": "plan", "event_date": "event_time"}
"""Columns that follow from others."""
UNITS = {
    "watch_minutes": ("minutes", "seconds", "milliseconds", "iso8601"),
    "quiz_score": ("percent", "fraction"),
    "amount": ("units", "cents"),
}
"""Units of measures, raw's own first."""
MEASURES = (*UNITS, "engagement_score")
SPARED = {"signup_date": "valid_from"}
"""Required columns that a mapping may leave out if it fills another one."""
TIMES = ("signup_date", "valid_from", "event_time")
WORDS = {"plan": PLANS, "event_type": EVENT_TYPES}


@dataclass(frozen=True)
class Entry:
    """How one column of raw is filled."""

    column: str
    names: tuple[str, ...] = ()
    """Columns or paths of the export, of which the first that is not missing counts."""
    hashed: tuple[str, ...] = ()
    """Columns or paths whose hash is the value; there are no ``names`` then."""
    values: tuple[tuple[str, str], ...] = ()
    """What each text becomes; the empty text means missing."""
    others: str = KEPT
    """What another text becomes: REJECT, DEFAULT, IGNORE, or KEPT, unless ``other`` says it."""
    other: str | None = None
    """The value that another text becomes."""
    default: str | None = None
    """What stands in place of a missing cell."""
    missing: str = KEPT
    """What becomes of a row whose cell is missing: REJECT, IGNORE or KEPT."""
    date_format: str | None = None
    """Pattern of strptime; None is ISO 8601."""
    ticks: int = 0
    """Parts of a second in which times are counted since 1970; 0 for dates that are written."""
    timezone: str = "UTC"
    """The zone of times without an offset."""
    unit: str = ""
    """What a measure is in, where that is not raw's own unit."""
    highest: str | None = None
    """Column or path of the highest possible score, of which the score is a part."""

    @property
    def is_plain(self) -> bool:
        """Whether the column is a column of the export, whatever stands in it."""
        has_rest = self.names_all or bool(self.values or self.default or self.missing)
        return len(self.names) == 1 and not has_rest

    @property
    def names_all(self) -> bool:
        """Whether every other text than those of the values becomes something."""
        return self.others != KEPT or self.other is not None


@dataclass(frozen=True)
class TableMapping:
    """How the columns of one table are filled."""

    table: str
    """users or events."""
    entries: tuple[Entry, ...]
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Columns or paths, and the texts of which a row has to have one, or it is ignored."""

    def entry(self, column: str) -> Entry | None:
        """Return how a column is filled, None when it is null."""
        return next((entry for entry in self.entries if entry.column == column), None)

    @property
    def fills_users(self) -> bool:
        """Whether it says which user a row is about."""
        return self.entry("user_id") is not None

    @property
    def has_highest(self) -> bool:
        """Whether a score is a part of another column."""
        return any(entry.highest for entry in self.entries)

    @property
    def plain_names(self) -> frozenset[str]:
        """Columns or paths that plain entries alone read, so that the rules may clean them."""
        plain = {entry.names[0] for entry in self.entries if entry.is_plain}
        others = [entry for entry in self.entries if not entry.is_plain]
        used = {name for entry in others for name in (*entry.names, *entry.hashed)}
        used |= {entry.highest for entry in self.entries if entry.highest}
        return frozenset(plain - used - {name for name, _ in self.only})

    @property
    def names(self) -> tuple[str, ...]:
        """Every column or path of the export that is read, each once."""
        return tuple(dict.fromkeys([*self._of_entries, *(name for name, _ in self.only)]))

    @property
    def only_names(self) -> tuple[str, ...]:
        """Columns or paths that are read to tell which rows count, and for nothing else."""
        return tuple(name for name, _ in self.only if name not in self._of_entries)

    @property
    def _of_entries(self) -> list[str]:
        found: list[str] = []
        for entry in self.entries:
            found += [*entry.names, *entry.hashed]
            found += [entry.highest] if entry.highest else []
        return found


def named_as_in_raw(table: str, columns: tuple[str, ...]) -> TableMapping:
    """Return the mapping of a file whose columns have the names of raw."""
    entries = (
        Entry(column, (column, *(alias for alias, name in ALIASES.items() if name == column)))
        for column in columns
    )
    return TableMapping(table, tuple(entries))


@dataclass(frozen=True)
class Mapping:
    """How the files of an export fill raw."""

    source: str
    """The file or the shipped name, as it was given."""
    users: TableMapping | None = None
    events: TableMapping | None = None
    days_in: str | None = None
    """The zone in which times are stored."""
    user_key: str = INTEGER_KEY
    nulls: tuple[str, ...] = ()
    decimal: str | None = None

    @property
    def creates_users(self) -> bool:
        """Whether users come from the events where no users file is given."""
        return self.users is None or not self.users.fills_users
