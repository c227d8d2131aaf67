"""The columns of one file: how the rules have to read each."""

from __future__ import annotations

from dataclasses import dataclass

from generator.loader.casts import Cell
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

    def cell(self, column: str) -> Cell:
        """Return the cell of a column."""
        if column in self.in_folders:
            return Cell(f"text_{column}", self._of_folders)
        is_number, is_time = column in self.numbers, column in self.times
        own = TextFormat(
            nulls=() if is_number or is_time else self.format.nulls,
            decimal=PLAIN.decimal if is_number else self.format.decimal,
            date_format=PLAIN.date_format if is_time else self.format.date_format,
        )
        return Cell(f"text_{column}", own)

    def folder(self, column: str) -> Cell:
        """Return what the folders of the file say of a column that stands in it too."""
        return Cell(f"json_extract_string(text_folders, '$.{column}')", self._of_folders)

    @property
    def _of_folders(self) -> TextFormat:
        return TextFormat(nulls=self.format.nulls)


TEXTS = Columns()
"""Columns of which all are texts, in the plain format."""
