"""Where the names of a mapping stand in one file: a column, a path into one, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from generator.errors import UsageError
from generator.loader.discovery import COMPRESSED
from generator.loader.mapping import SPARED, Entry, TableMapping
from generator.loader.paths import FILE_NAME, Step, steps_of

FLOAT_TYPES = ("FLOAT", "DOUBLE")
NUMBER_TYPES = (*FLOAT_TYPES, "DECIMAL")
TIME_TYPES = ("DATE", "TIMESTAMP")
"""How the engine's names of types in a Parquet file begin."""
LINE = "line"
"""The column of a file of JSON lines."""


@dataclass(frozen=True)
class MappedCell:
    """Where one name of a mapping stands in a file."""

    base: str
    """SQL of the column; a literal for what the names of the file and its folders say."""
    kind: str = "VARCHAR"
    """The engine's type of the column."""
    paths: tuple[tuple[Step, ...], ...] = ()
    """Paths into the JSON text of the column, of which the first that leads anywhere counts."""
    folder: str | None = None
    """What the folders of the file say of a column that stands in it too; None is null."""
    is_in_folders: bool = False
    """Whether they say anything."""
    is_folder: bool = False
    """Whether the file has no such column, but the names of its folders."""


@dataclass(frozen=True)
class MappedCells:
    """Where all names of a mapping stand in one file."""

    mapping: TableMapping
    cells: dict[str, MappedCell] = field(default_factory=dict)
    """The names that stand in the file."""

    def of(self, names: Sequence[str]) -> list[MappedCell]:
        """Return the cells of those names that stand in the file."""
        return [self.cells[name] for name in names if name in self.cells]

    @property
    def disputed(self) -> frozenset[str]:
        """Return the columns of raw that stand in the file and in the names of its folders."""
        return frozenset(
            entry.column
            for entry in self.mapping.entries
            if any(cell.is_in_folders for cell in self.of(entry.names))
        )

    def have_points(self, names: Sequence[str]) -> bool:
        """Tell whether numbers in all cells of some names have a point, as programs write them."""
        return self._have_type(names, NUMBER_TYPES) or self._are_folders(names)

    @property
    def numbers(self) -> frozenset[str]:
        """The columns of raw whose cells are all numbers in the file."""
        entries = self.mapping.entries
        return frozenset(e.column for e in entries if self._have_type(e.names, NUMBER_TYPES))

    @property
    def in_folders(self) -> frozenset[str]:
        """The columns of raw that stand in the names of folders alone."""
        entries = self.mapping.entries
        return frozenset(entry.column for entry in entries if self._are_folders(entry.names))

    @property
    def times(self) -> frozenset[str]:
        """The columns of raw whose cells are all dates or times in the file, and no other texts."""
        return frozenset(
            entry.column
            for entry in self.mapping.entries
            if self._have_type(entry.names, TIME_TYPES) and not entry.values and not entry.default
        )

    def _are_folders(self, names: Sequence[str]) -> bool:
        found = self.of(names)
        return bool(found) and all(cell.is_folder for cell in found)

    def _have_type(self, names: Sequence[str], kinds: tuple[str, ...]) -> bool:
        found = self.of(names)
        are_typed = all(cell.kind.startswith(kinds) and not cell.paths for cell in found)
        return bool(found) and are_typed


TypeOf = Callable[[str], str | None]
"""Returns the engine's type of an expression over a file, None where it has none."""


def cells_of_lines(
    mapping: TableMapping, path: Path, folders: Mapping[str, str | None]
) -> MappedCells:
    """Return the cells of a file of JSON lines: each line may have every name."""
    cells = {}
    for name in mapping.names:
        said = _said_by_names(name, path, folders)
        steps = steps_of(name)
        paths = ((name,),) if steps == (name,) else ((name,), steps)
        has_folder = said is not None and name != FILE_NAME
        cells[name] = (
            said
            if said and name == FILE_NAME
            else MappedCell(
                LINE,
                paths=paths,
                folder=folders[name.lower()] if has_folder else None,
                is_in_folders=has_folder,
            )
        )
    return MappedCells(mapping, cells)


def cells_of_columns(
    mapping: TableMapping,
    path: Path,
    folders: Mapping[str, str | None],
    columns: Mapping[str, str],
    type_of: TypeOf,
) -> MappedCells:
    """Return the cells of a file with columns.

    Parameters
    ----------
    mapping, path
        What is looked for, and where.
    folders
        What the names of its folders say.
    columns
        SQL of each column, by the name in the file.
    type_of
        Tells the types of columns and of what they hold.
    """
    found = {}
    for name in mapping.names:
        said = _said_by_names(name, path, folders)
        cell = _in_columns(name, columns, type_of)
        if cell and said and name != FILE_NAME:
            said = replace(cell, folder=folders[name.lower()], is_in_folders=True)
        found[name] = said or cell
    return MappedCells(mapping, {name: cell for name, cell in found.items() if cell})


def _said_by_names(name: str, path: Path, folders: Mapping[str, str | None]) -> MappedCell | None:
    if name == FILE_NAME:
        return MappedCell(_literal(_without_endings(path)))
    if name.lower() not in folders:
        return None
    return MappedCell(_literal(folders[name.lower()]), is_folder=True)


def _without_endings(path: Path) -> str:
    """Return the name of a file without the ending of its compression and that of its kind."""
    is_compressed = path.suffix.lower() in COMPRESSED
    return Path(path.stem).stem if is_compressed else path.stem


def _literal(text: str | None) -> str:
    return "cast(null as varchar)" if text is None else "'" + text.replace("'", "''") + "'"


def _in_columns(name: str, columns: Mapping[str, str], type_of: TypeOf) -> MappedCell | None:
    """Return where a name stands: in a column, in its structs, and in a text that holds JSON."""
    steps = steps_of(name)
    if name in columns:
        return MappedCell(columns[name], type_of(columns[name]) or "VARCHAR")
    first = steps[0]
    if not isinstance(first, str) or first not in columns or len(steps) == 1:
        return None
    base, kind = columns[first], type_of(columns[first]) or "VARCHAR"
    for position, step in enumerate(steps[1:], start=1):
        if kind in ("VARCHAR", "JSON"):
            return MappedCell(base, kind, (steps[position:],))
        inside = step + 1 if isinstance(step, int) else "'" + step.replace("'", "''") + "'"
        base = f"({base})[{inside}]"
        inner = type_of(base)
        if inner is None:
            return None
        kind = inner
    return MappedCell(base, kind)


def check_found(found: MappedCells, path: Path, columns: Sequence[str]) -> None:
    """Raise UsageError where a mapping needs a name that a file with columns has not."""
    missing = next(iter(missing_names(found)), None)
    if missing:
        place, names = missing
        shown = ", ".join(repr(name[:30]) for name in columns[:10])
        shown += ", ..." if columns[10:] else ""
        raise UsageError(
            f"{path}: no column {' or '.join(map(repr, names))} for {place} of the mapping;"
            f" it has {shown or 'none'}"
        )


def missing_names(found: MappedCells) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a file with columns lacks: places of the mapping, each with its names."""
    table, missing = found.mapping.table, []
    for entry in found.mapping.entries:
        place = f"[{table}] {entry.column}"
        spare = found.mapping.entry(SPARED.get(entry.column, ""))
        is_spared = spare is not None and bool(found.of(spare.names))
        is_needed = entry.default is None and not is_spared
        if entry.names and is_needed and not found.of(entry.names):
            missing.append((place, entry.names))
        missing += [(place, (name,)) for name in _all_needed(entry) if name not in found.cells]
    only = [name for name, _ in found.mapping.only if name not in found.cells]
    return missing + [(f"[{table}.only]", (name,)) for name in only]


def _all_needed(entry: Entry) -> tuple[str, ...]:
    return (*entry.hashed, entry.highest) if entry.highest else entry.hashed
