"""What stands in a file: its kind, its columns, and how its texts are to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.errors import ElearnError
from generator.loader.columns import Columns
from generator.loader.csv_header import Fits, Header, csv_header_of
from generator.loader.csv_records import Compression, compression_of
from generator.loader.discovery import DataFile, Folders, Kind
from generator.loader.mapped_cells import (
    LINE,
    NUMBER_TYPES,
    TIME_TYPES,
    MappedCells,
    cells_of_columns,
    cells_of_lines,
    check_found,
    missing_names,
)
from generator.loader.mapping import ALIASES, TableMapping, named_as_in_raw
from generator.loader.parquet_file import (
    check_types,
    engine_path,
    parquet_header,
    type_in_parquet,
)
from generator.loader.rules import Rules
from generator.loader.text_format import TextFormat
from generator.warehouse.file import Connection
from generator.warehouse.sql import name_in, quoted_list

MAX_COLUMNS = 1000


@dataclass(frozen=True)
class Source:
    """One file of an export."""

    path: Path
    kind: Kind
    compression: Compression
    format: TextFormat
    header: tuple[str, ...]
    """Names of all columns, as they stand in the file."""
    types: tuple[str, ...]
    """The engine's types of a Parquet file's columns; empty for CSV."""
    positions: dict[str, int]
    """Position in the header of each column that is read, by its name in the warehouse."""
    folders: Folders
    """What the names of its folders give, by the column's name in the warehouse."""
    ignored: tuple[str, ...]
    """Names of the columns that are not read, in the file and in the names of its folders."""
    stamp: tuple[int, int]
    """Size and time of change, to notice that the file is being written to."""
    csv_header: Header | None = None
    mapped: MappedCells | None = None
    """Where the names of a mapping stand in it; None where it has the names of raw."""

    @property
    def is_parquet(self) -> bool:
        """Whether its columns have types of their own."""
        return self.kind == "parquet"

    @property
    def columns(self) -> Columns:
        """How the rules have to read its columns."""
        if self.mapped is not None:
            return Columns(
                self.format,
                numbers=self.mapped.numbers,
                times=self.mapped.times,
                mapping=self.mapped.mapping,
                in_folders=self.mapped.in_folders,
                disputed=self.mapped.disputed,
            )
        return Columns(
            self.format,
            numbers=self._typed(NUMBER_TYPES),
            times=self._typed(TIME_TYPES),
            in_folders=frozenset(self.folder_cells),
            disputed=frozenset(self.disputed),
        )

    def _typed(self, types: tuple[str, ...]) -> frozenset[str]:
        """Return the columns of some types; those of a CSV file have none."""
        return frozenset(
            column
            for column, position in self.positions.items()
            if self.types and self.types[position].startswith(types)
        )

    @property
    def disputed(self) -> Folders:
        """What the names of its folders say of columns that stand in the file too."""
        return {name: text for name, text in self.folders.items() if name in self.positions}

    @property
    def folder_cells(self) -> Folders:
        """What the names of its folders say of columns that do not stand in the file."""
        in_file = {_normal(name) for name in self.header} if self.mapped else self.positions
        return {name: text for name, text in self.folders.items() if name not in in_file}

    def lacks(self, column: str) -> bool:
        """Tell whether it has no cells of a column of the warehouse; lines may each lack it."""
        if self.mapped is not None:
            return self.kind == "json" or self.mapped.mapping.entry(column) is None
        return column not in self.positions and column not in self.folders

    def check_unchanged(self) -> None:
        """Raise when the file is not the one that was opened."""
        if _stamp(self.path) != self.stamp:
            raise ElearnError(f"{self.path}: the file changed while it was read; load it again")


def open_source(
    con: Connection,
    file: DataFile,
    rules: Rules,
    text_format: TextFormat,
    mapping: TableMapping | None = None,
) -> Source:
    """Look into a file and find the columns of a table.

    Raises
    ------
    ElearnError
        The file is none that can be read, or has not the columns it needs.
    """
    path, stamp = file.path, _stamp(file.path)
    if file.kind == "json":
        mapping = mapping or named_as_in_raw(rules.table.name.split(".")[1], rules.columns)
        return Source(
            path=path,
            kind=file.kind,
            compression=compression_of(path),
            format=text_format,
            header=(LINE,),
            types=(),
            positions={},
            folders=dict(file.folders),
            ignored=(),
            stamp=stamp,
            mapped=cells_of_lines(mapping, path, file.folders),
        )
    header: Header | None = None
    names: Sequence[str]
    types: Sequence[str] = ()
    if file.kind == "parquet":
        names, types = parquet_header(con, path)
    else:
        header = csv_header_of(path, _fitting(rules, file, mapping))
        names, text_format = header.names, replace(text_format, delimiter=header.delimiter)
    if len(names) > MAX_COLUMNS:
        raise ElearnError(f"{path}: {len(names):,} columns; at most {MAX_COLUMNS:,} are allowed")
    source = Source(
        path=path,
        kind=file.kind,
        compression="none" if file.kind == "parquet" else compression_of(path),
        format=text_format,
        header=tuple(names),
        types=tuple(types),
        positions={},
        folders=dict(file.folders),
        ignored=(),
        stamp=stamp,
        csv_header=header,
    )
    if mapping is not None:
        return _with_mapped_columns(con, source, mapping)
    return _with_columns_of_raw(con, source, rules)


def _with_columns_of_raw(con: Connection, source: Source, rules: Rules) -> Source:
    """Return a file with the columns that have names of raw."""
    path, names, given = source.path, source.header, list(source.folders.items())
    aliases = _aliases([*names, *source.folders])
    folders = _in_the_warehouse(path, [name for name, _ in given], rules, aliases)
    positions = _in_the_warehouse(path, names, rules, aliases)
    _check_required(path, names, positions | folders, rules)
    types = {column: source.types[at] for column, at in positions.items() if source.types}
    check_types(con, path, types)
    used = set(positions.values())
    ignored = [name for position, name in enumerate(names) if position not in used]
    ignored += [name for number, (name, _) in enumerate(given) if number not in folders.values()]
    return replace(
        source,
        positions=positions,
        folders={column: given[number][1] for column, number in folders.items()},
        ignored=tuple(ignored),
    )


def _with_mapped_columns(con: Connection, source: Source, mapping: TableMapping) -> Source:
    """Return a file with the columns that a mapping names."""
    columns = _sql_of_columns(source)
    for name in mapping.names:
        if [given.strip() for given in source.header].count(name) > 1:
            raise ElearnError(f"{source.path}: the column {name} stands twice; give it once")

    def type_of(sql: str) -> str | None:
        if not source.is_parquet:
            return "VARCHAR"
        return type_in_parquet(con, source.path, sql)

    found = cells_of_columns(mapping, source.path, source.folders, columns, type_of)
    check_found(found, source.path, source.header)
    for name, cell in found.cells.items():
        if not cell.paths:
            check_types(con, source.path, {name: cell.kind})
    bases = " ".join(cell.base for cell in found.cells.values())
    ignored = [name for name, sql in columns.items() if sql not in bases]
    return replace(source, mapped=found, ignored=tuple(ignored))


def _sql_of_columns(source: Source) -> dict[str, str]:
    """Return the columns of a file as SQL, by their names without blanks around them."""
    if source.is_parquet:
        return {name.strip(): name_in(name) for name in source.header}
    return {name.strip(): f"c{position}" for position, name in enumerate(source.header)}


def _fitting(rules: Rules, file: DataFile, mapping: TableMapping | None) -> Fits:
    """Return what tells whether a header has the columns that are needed."""
    if mapping is None:
        return lambda names: not rules.missing({*map(_normal, names), *file.folders})

    def fits(names: Sequence[str]) -> bool:
        columns = {name.strip(): name for name in names}
        found = cells_of_columns(mapping, file.path, file.folders, columns, lambda _: "VARCHAR")
        return not missing_names(found)

    return fits


def restrict(con: Connection, paths: list[Path]) -> None:
    """Shut the engine off from every file but the given ones, for as long as it is open.

    Times with a zone become texts in UTC, wherever the machine is.
    """
    con.execute("set TimeZone = 'UTC'")
    allowed = {name for path in paths for name in (str(path.absolute()), engine_path(path))}
    con.execute(f"set allowed_paths = [{quoted_list(sorted(allowed))}]")
    con.execute("set enable_external_access = false")


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _normal(name: str) -> str:
    return name.strip().lower()


def _aliases(names: Sequence[str]) -> dict[str, str]:
    """Return the aliases whose column stands neither in the file nor in its folders."""
    found = set(map(_normal, names))
    return {alias: name for alias, name in ALIASES.items() if name not in found}


def _in_the_warehouse(
    path: Path, names: Sequence[str], rules: Rules, aliases: dict[str, str]
) -> dict[str, int]:
    """Return the position of each column of the warehouse among some names."""
    found: dict[str, int] = {}
    for position, given in enumerate(map(_normal, names)):
        name = aliases.get(given, given)
        if name in rules.columns and name in found:
            raise ElearnError(f"{path}: the column {given} stands twice; give it once")
        found.setdefault(name, position)
    return {name: found[name] for name in rules.columns if name in found}


def _check_required(path: Path, names: Sequence[str], found: dict[str, int], rules: Rules) -> None:
    missing = rules.missing(found)
    if missing:
        shown = ", ".join(repr(name[:30]) for name in names[:10]) + (", ..." if names[10:] else "")
        raise ElearnError(
            f"{path}: no column {', '.join(missing)} in its first line ({shown or 'it is blank'}); "
            f"it needs {', '.join(rules.required)} and may have {', '.join(rules.optional)}"
        )
