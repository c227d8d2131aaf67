"""The columns of one file: how the rules have to read each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.loader.casts import Cell
from generator.loader.mapping import TableMapping
from generator.loader.measures import OF
from generator.loader.text_format import PLAIN, TextFormat


@dataclass(frozen=True)
class Columns:
    """The columns of one file: how its texts are to be read, and which are no such texts."""

    format: TextFormat = PLAIN
    numbers: frozenset[str] = frozenset()
    """Columns that are numbers in the file."""
    times: frozenset[str] = frozenset()
    """Columns that are dates or times in the file."""
    in_folders: frozenset[str] = frozenset()
    """Columns that stand in the names of folders alone, which programs write."""
    mapping: TableMapping | None = None
    """How the columns are filled; None where they have the names of raw."""
    disputed: frozenset[str] = frozenset()
    """Columns that stand in the file and in the names of its folders."""

    def cell(self, column: str) -> Cell:
        """Return the cell of a column."""
        if column in self.in_folders and self.mapping is None:
            return Cell(f"text_{column}", self._of_folders)
        is_number, is_time = column in self.numbers, column in self.times
        if self.mapping is not None:
            entry = self.mapping.entry(column)
            own = self._mapped(column, is_number, is_time)
            return Cell(f"text_{column}", own, is_clean=not (entry and entry.is_plain))
        own = TextFormat(
            nulls=() if is_number or is_time else self.format.nulls,
            decimal=PLAIN.decimal if is_number else self.format.decimal,
            date_format=PLAIN.date_format if is_time else self.format.date_format,
            days_in=self.format.days_in,
        )
        return Cell(f"text_{column}", own)

    def fills(self, column: str) -> bool:
        """Tell whether a column may have other values than null."""
        return self.mapping is None or self.mapping.entry(column) is not None

    def written(self, column: str) -> tuple[int, str | None]:
        """Return the ticks and the pattern of a date, whatever the type of the column is."""
        cell = replace(self, numbers=frozenset(), times=frozenset(), in_folders=frozenset()).cell(
            column
        )
        return cell.format.ticks, cell.format.date_format

    def _mapped(self, column: str, is_number: bool, is_time: bool) -> TextFormat:
        """Return how the text is to be read that a mapping has made.

        It has no nulls any more, unless it is what stands in the file.
        """
        entry = self.mapping.entry(column) if self.mapping else None
        if entry is None:
            return PLAIN
        is_folder = column in self.in_folders
        is_counted = bool(entry.ticks) or is_folder
        date_format = entry.date_format or (None if is_counted else self.format.date_format)
        has_nulls = entry.is_plain and not (is_number or is_time)
        return TextFormat(
            nulls=self.format.nulls if has_nulls else (),
            decimal=PLAIN.decimal if is_number or is_folder else self.format.decimal,
            date_format=None if is_time else date_format,
            ticks=0 if is_time else entry.ticks,
            timezone=entry.timezone,
            days_in=self.format.days_in,
            unit=OF if entry.highest else entry.unit,
        )

    def folder(self, column: str) -> Cell:
        """Return what the folders of the file say of a column that stands in it too."""
        text = f"json_extract_string(text_folders, '$.{column}')"
        if self.mapping is not None:
            as_folder = replace(self, in_folders=self.in_folders | {column})
            own = as_folder._mapped(column, is_number=False, is_time=False)
            return Cell(text, own, is_clean=True)
        return Cell(text, self._of_folders)

    @property
    def _of_folders(self) -> TextFormat:
        return TextFormat(nulls=self.format.nulls, days_in=self.format.days_in)


TEXTS = Columns()
"""Columns of which all are texts, in the plain format."""
