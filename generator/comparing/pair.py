"""One table as both files have it: its key, and the columns that can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from generator.comparing.sides import Side
from generator.errors import UsageError
from generator.warehouse.file import Connection
from generator.warehouse.sql import name_in

DAY_COLUMNS = ("as_of_date", "event_date", "valid_from", "period_start", "signup_date")
"""The columns that say which day a row is about; a table has its first of these."""

FLOATS = ("DOUBLE", "FLOAT")


@dataclass(frozen=True)
class Pair:
    """A table of two files."""

    name: str
    """Schema and name."""
    sides: tuple[Side, Side]
    columns: tuple[dict[str, str], dict[str, str]]
    """The columns of each side with their types; none where the table is not there."""
    key: tuple[str, ...]
    """The columns of the primary key."""

    def relation(self, number: int) -> str:
        """Return the table of one side as SQL names it."""
        schema, _, table = self.name.partition(".")
        return f"{self.sides[number].database}.{name_in(schema)}.{name_in(table)}"

    @property
    def is_in(self) -> tuple[bool, bool]:
        """Whether each side has the table."""
        return bool(self.columns[0]), bool(self.columns[1])

    @property
    def shared(self) -> list[str]:
        """The columns that both sides have, in the order of the first."""
        return [name for name in self.columns[0] if name in self.columns[1]]

    @property
    def values(self) -> list[str]:
        """The columns that both sides have, without the key."""
        return [name for name in self.shared if name not in self.key]

    @property
    def day(self) -> str | None:
        """The column with the day of a row."""
        columns = self.shared or [*self.columns[0], *self.columns[1]]
        return next((name for name in DAY_COLUMNS if name in columns), None)

    @property
    def retyped(self) -> dict[str, tuple[str, str]]:
        """The columns whose type differs, with both types."""
        return {
            name: (self.columns[0][name], self.columns[1][name])
            for name in self.shared
            if self.columns[0][name] != self.columns[1][name]
        }

    def only_in(self, number: int) -> list[str]:
        """Return the columns that only one side has, of a table that both have."""
        if not all(self.is_in):
            return []
        return [name for name in self.columns[number] if name not in self.columns[1 - number]]

    def bits(self, name: str, table: str) -> list[str]:
        """Return expressions that are equal, null to null, if and only if a column's bits are.

        The engine takes -0.0 for 0.0 where it compares and where it hashes. Columns whose type
        differs are compared as texts.
        """
        value = f"{table}.{name_in(name)}"
        if name in self.retyped:
            return [f"cast({value} as varchar)"]
        if self.columns[0][name] in FLOATS:
            return [value, f"signbit({value})"]
        return [value]


def read_pair(con: Connection, sides: tuple[Side, Side], name: str) -> Pair | None:
    """Return a table of two files; None where neither has it.

    Raises
    ------
    UsageError
        Its rows cannot be told apart, because it has no primary key.
    """
    first, second = (_columns(con, side, name) for side in sides)
    if not first and not second:
        return None
    keys = {
        side.letter: _key(con, side, name)
        for side, columns in zip(sides, (first, second), strict=True)
        if columns
    }
    for side in sides:
        if keys.get(side.letter) == ():
            raise UsageError(
                f"{name} has no primary key in {side.path}, so its rows cannot be told apart;"
                " give a warehouse or a published file",
                f"file {side.letter.upper()}",
            )
    key, *others = keys.values()
    if others and others != [key]:
        raise UsageError(f"{name} has the key {', '.join(key)} in file A, another in file B")
    return Pair(name, sides, (first, second), key)


def _columns(con: Connection, side: Side, name: str) -> dict[str, str]:
    rows = con.execute(
        """
        select column_name, data_type from duckdb_columns()
        where database_name = ? and schema_name || '.' || table_name = ?
        order by column_index
        """,
        [side.database, name],
    ).fetchall()
    return dict(rows)


def _key(con: Connection, side: Side, name: str) -> tuple[str, ...]:
    rows = con.execute(
        """
        select constraint_column_names from duckdb_constraints()
        where database_name = ? and schema_name || '.' || table_name = ?
            and constraint_type = 'PRIMARY KEY'
        """,
        [side.database, name],
    ).fetchall()
    return tuple(rows[0][0]) if rows else ()
