"""Staging tables: typed rows, each with the number of its fault if it has one.

A staging table is temporary, holds every record of its files in order, and does not touch the
warehouse file. It is filled outside of a transaction, because a read that fails aborts one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import duckdb

from generator.errors import ElearnError, first_line
from generator.loader.columns import TEXTS, Columns
from generator.loader.mapping import TableMapping, named_as_in_raw
from generator.loader.reader import (
    broken_query,
    broken_texts,
    has_records,
    is_plain,
    read_batches,
    sound_texts,
)
from generator.loader.rules import IGNORED, Rules
from generator.loader.source_file import Source
from generator.loader.text_format import PLAIN, TextFormat
from generator.reporter import Reporter
from generator.warehouse.file import Connection
from generator.warehouse.sql import one_row

SMALL_BYTES = 2**24
WAITING_ROWS = 1_000_000
"""To type and check a file takes a while to plan, so small files wait until there are so many."""


@dataclass(frozen=True)
class StagedFile:
    """A file and its rows in the staging table."""

    source: Source
    first_row: int
    """Row id of its first record."""
    rows: int
    is_sound: bool
    """Whether the engine can read it."""

    def holds(self, row_id: int) -> bool:
        """Tell whether a row of the staging table comes from this file."""
        return self.first_row <= row_id < self.first_row + self.rows


@dataclass
class Staging:
    """A staging table and the files it holds."""

    con: Connection
    rules_of: Callable[[Columns], Rules]
    """The rules for files with such columns."""
    format: TextFormat = PLAIN
    mapping: TableMapping | None = None
    """How the columns are filled; None where they have the names of raw."""
    created_rows: int = 0
    """Users that come from events and stand in no file."""
    files: list[StagedFile] = field(default_factory=list)
    checked_rows: int = 0
    """Rows in the staging table."""
    waiting_rows: int = 0
    waiting_columns: Columns = TEXTS
    """What is true of all rows that wait."""

    @property
    def rules(self) -> Rules:
        """The rules of text files; those of others have the same faults."""
        plain = self.rules_of(TEXTS)
        # Files of JSON lines are mapped in any case, so that a mapping's faults have numbers.
        mapping = self.mapping or named_as_in_raw(self.label, plain.columns)
        return self.rules_of(Columns(self.format, mapping=mapping))

    @property
    def label(self) -> str:
        """The table that the rows are for, as people call it: users or events."""
        return self.rules_of(TEXTS).table.name.split(".")[1]

    @property
    def name(self) -> str:
        """Name of the staging table."""
        return f"temp.staged_{self.label}"

    @property
    def good(self) -> str:
        """Relation of the rows that become rows of the table."""
        return f"(from {self.name} where {self.rules.good})"

    @property
    def rejected(self) -> str:
        """Condition of the rows with a fault."""
        return f"fault < {IGNORED}"

    def is_unsaid(self, column: str, row: str, value: str) -> str:
        """Return whether a row has no value because its file may lack the column.

        Parameters
        ----------
        column
            A column of the warehouse.
        row, value
            SQL of the row id and of the value.
        """
        spans: list[list[int]] = []  # of files in a row as one, as there may be many
        for file in self.files:
            if not file.source.lacks(column):
                continue
            if not spans or spans[-1][1] != file.first_row:
                spans.append([file.first_row, file.first_row])
            spans[-1][1] += file.rows
        within = (f"({row} >= {first} and {row} < {end})" for first, end in spans)
        return f"({value} is null and ({' or '.join(within) or 'false'}))"

    @property
    def waiting(self) -> str:
        """Name of the table of texts that wait to be typed and checked."""
        return f"temp.waiting_{self.label}"

    @property
    def rows_read(self) -> int:
        """Number of records in all files."""
        return sum(file.rows for file in self.files)

    def read(self, sources: Sequence[Source], reporter: Reporter) -> None:
        """Create the table and fill it with the records of files."""
        columns = [f"{column.name} {column.type}" for column in self.rules.table.columns]
        columns += [f"{name} {kind}" for name, kind in self.rules.staged.items()]
        columns += ["fault utinyint", "offender varchar", "texts varchar[]"]
        self.con.execute(f"create temp table {self.name} ({', '.join(columns)})")
        # It makes joins of long lists of words, and behind a join the rows come in any order.
        self.con.execute("set disabled_optimizers = 'in_clause'")
        self._create_waiting()
        for source in sources:
            if source.ignored:
                reporter.say(f"{source.path}: ignored columns: {_some(source.ignored)}")
            self._read_file(source, reporter)
        self._check_waiting()
        self.con.execute(f"alter table {self.name} drop column texts")

    @property
    def _texts(self) -> list[str]:
        """Names of the texts of a row."""
        has_highest = self.mapping is not None and self.mapping.has_highest
        return [*self.rules.columns, *(["highest"] if has_highest else []), "folders"]

    def _create_waiting(self) -> None:
        texts = [f"text_{name} varchar" for name in self._texts]
        columns = ", ".join([*texts, "broken utinyint", "text_line varchar"])
        self.con.execute(f"create or replace temp table {self.waiting} ({columns})")
        self.waiting_rows = 0

    def _read_file(self, source: Source, reporter: Reporter) -> None:
        is_sound = source.is_parquet or is_plain(source)
        rows = self._read_sound(source) if is_sound else None
        if rows is None or (rows == 0 and not source.is_parquet and has_records(source)):
            reporter.say(
                f"{source.path}: reading it line by line, as not every line is a plain one"
            )
            is_sound, rows = False, self._read_broken(source)
        source.check_unchanged()
        self.files.append(StagedFile(source, self.rows_read, rows, is_sound))
        reporter.say(f"{source.path}: {rows:,} {self.label}")

    def _read_sound(self, source: Source) -> int | None:
        """Return the number of rows; None when a record does not parse."""
        try:
            return self._insert(source, sound_texts(source, self.rules))
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if isinstance(error, duckdb.InvalidInputException) and not source.is_parquet:
                return None
            raise ElearnError(f"{source.path}: {first_line(error)}") from error

    def _read_broken(self, source: Source) -> int:
        rows = 0
        for batch in read_batches(source):
            self.con.register("incoming", broken_texts(batch, source, self.rules))
            rows += self._insert(source, broken_query(source, self.rules))
            self.con.unregister("incoming")
        return rows

    def _insert(self, source: Source, texts: str) -> int:
        if source.stamp[0] > SMALL_BYTES:
            self._check_waiting()
            return self._check(texts, source.columns)
        if source.columns != self.waiting_columns:
            self._check_waiting()
            self.waiting_columns = source.columns
        [rows] = one_row(self.con, f"insert into {self.waiting} {texts}")
        self.waiting_rows += int(rows)
        if self.waiting_rows > WAITING_ROWS:
            self._check_waiting()
        return int(rows)

    def _check_waiting(self) -> None:
        if self.waiting_rows:
            self._check(f"from {self.waiting}", self.waiting_columns)
            self._create_waiting()

    def _check(self, texts: str, columns: Columns) -> int:
        """Type and check the rows of a relation of texts; return how many there are."""
        rules, first = self.rules_of(columns), self.checked_rows
        typed = rules.typed(texts, self._texts)
        [rows] = one_row(self.con, f"insert into {self.name} {typed}")
        self.checked_rows += int(rows)
        faulty = f"from {self.name} where rowid >= {first} and {rules.is_unexplained}"
        numbers = {
            number for (number,) in self.con.sql(f"select distinct fault {faulty}").fetchall()
        }
        if numbers:
            found = f"select rowid as row_id, fault, texts {faulty}"
            self.con.execute(
                f"""
                update {self.name} as staged
                set fault = explained.fault, offender = explained.offender
                from ({rules.explained(found, self._texts, numbers)}) as explained
                where staged.rowid = explained.row_id
                """
            )
        return int(rows)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name[:60]) for name in names[:20]) + (", ..." if names[20:] else "")
