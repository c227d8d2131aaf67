"""What stands in the cells that a mapping names, as SQL over the columns of a file.

The query is built in layers, each a SELECT over the one before, so that nothing is computed
twice: values inside JSON, then cells as cleaned texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator.loader.casts import Cell
from generator.loader.csv_records import BROKEN, BROKEN_JSON, BROKEN_OBJECT
from generator.loader.mapped_cells import FLOAT_TYPES, LINE, MappedCell, MappedCells
from generator.loader.mapping import TableMapping
from generator.loader.paths import Step
from generator.loader.text_format import BLANKS, TextFormat
from generator.warehouse.sql import quoted, quoted_list

_JSON_TEXT = r'"(?:[^"\\]|\\.)*"'


def given_cells(
    found: MappedCells, text_format: TextFormat, rows: str, is_lines: bool, columns: Sequence[str]
) -> tuple[str, list[str]]:
    """Return rows of a file with some columns more, and what of them is the text of each column."""
    entries = [entry for entry in found.mapping.entries if entry.column in columns]
    names = {name: found.cells[name] for e in entries for name in e.names if name in found.cells}
    some = MappedCells(TableMapping(found.mapping.table, tuple(entries)), names)
    values = MappedValues(some, text_format, is_lines)
    rows = f"""
        select *, cast(null as utinyint) as broken, cast(null as varchar) as text_line
        from ({rows})
    """
    filled = (found.mapping.entry(column) for column in columns)
    return values.sql(rows), [values.first(entry.names if entry else ()) for entry in filled]


class MappedValues:
    """The cells of a file, numbered in the order of the names of a mapping."""

    def __init__(
        self,
        found: MappedCells,
        text_format: TextFormat,
        is_lines: bool,
        unclean: frozenset[str] = frozenset(),
    ) -> None:
        self.format, self.is_lines = text_format, is_lines
        self.unclean = {number for number, name in enumerate(found.cells) if name in unclean}
        self.cells = list(found.cells.values())
        self.numbers = {name: number for number, name in enumerate(found.cells)}

    def sql(self, rows: str) -> str:
        """Return rows with ``cell<n>``, trimmed texts or null, and ``is_structure<n>``.

        Parameters
        ----------
        rows
            Relation with the columns of the file, ``broken`` and ``text_line``.
        """
        cleaned = self._cleaned()
        rows = self._values(rows)
        return f"select *, {', '.join(cleaned)} from ({rows})" if cleaned else rows

    def first(self, names: Sequence[str]) -> str:
        """Return the first of some names that is not missing."""
        texts = [f"cell{self.numbers[name]}" for name in names if name in self.numbers]
        return f"coalesce({', '.join(texts)})" if texts else "cast(null as varchar)"

    def _values(self, rows: str) -> str:
        """Return the relation with a ``value<n>`` of each cell, JSON where it has a path."""
        if self.is_lines:
            rows = (
                f"select * replace ({_line_fault()} as broken, {_line_text()} as text_line)"
                f" from ({rows})"
            )
        deep = {number: cell for number, cell in enumerate(self.cells) if cell.paths}
        if deep:
            rows = self._taken_apart(rows, deep)
        plain = [
            f"{_as_text(cell)} as value{number}"
            for number, cell in enumerate(self.cells)
            if not cell.paths
        ]
        return f"select *, {', '.join(plain)} from ({rows})" if plain else rows

    def _taken_apart(self, rows: str, deep: dict[int, MappedCell]) -> str:
        """Read all paths into one column at once; then go on into texts that hold objects."""
        bases = list(dict.fromkeys(cell.base for cell in deep.values()))
        lists, firsts = [], []
        for place, base in enumerate(bases):
            mine = {number: cell for number, cell in deep.items() if cell.base == base}
            pointers = list(
                dict.fromkeys(_pointer(p) for cell in mine.values() for p in cell.paths)
            )
            is_read = f"{_is_json(base)} and broken is null"
            lists.append(
                f"case when {is_read} then json_extract({base}, [{quoted_list(pointers)}]) end"
                f" as found{place}"
            )
            for number, cell in mine.items():
                places = (pointers.index(_pointer(path)) + 1 for path in cell.paths)
                values = ", ".join(f"found{place}[{at}]" for at in places)
                firsts.append(f"coalesce({values}) as direct{number}")
        rows = f"select *, {', '.join(lists)} from ({rows})"
        rows = f"select *, {', '.join(firsts)} from ({rows})"
        return self._through_texts(rows, deep)

    def _through_texts(self, rows: str, deep: dict[int, MappedCell]) -> str:
        long = {number: cell for number, cell in deep.items() if len(cell.paths[-1]) > 1}
        started = [
            f"""case when direct{number} is null and broken is null
                and ({_may_hold_objects(cell.base)}) and {_is_json(cell.base)}
                then {cell.base} end as step{number}_0"""
            for number, cell in long.items()
        ]
        if started:
            rows = f"select *, {', '.join(started)} from ({rows})"
        for depth in range(1, max((len(cell.paths[-1]) for cell in long.values()), default=0) + 1):
            steps = [
                f"{_step(f'step{number}_{depth - 1}', cell.paths[-1][depth - 1])}"
                f" as step{number}_{depth}"
                for number, cell in long.items()
                if depth <= len(cell.paths[-1])
            ]
            rows = f"select *, {', '.join(steps)} from ({rows})"
        ends = {number: f"step{number}_{len(cell.paths[-1])}" for number, cell in long.items()}
        values = [
            f"cast(coalesce(direct{number}, {ends.get(number, 'null')}) as varchar)"
            f" as value{number}"
            for number in deep
        ]
        return f"select *, {', '.join(values)} from ({rows})"

    def _cleaned(self) -> list[str]:
        cleaned = []
        for number, cell in enumerate(self.cells):
            value = f"value{number}"
            text = _as_in_the_file(value, cell) if cell.paths else value
            is_text = not cell.paths and cell.kind not in ("VARCHAR", "JSON")
            read = Cell(text) if is_text else Cell(text, TextFormat(nulls=self.format.nulls))
            shown = read.trimmed
            if number in self.unclean and not cell.is_in_folders:
                shown = text
            if cell.is_in_folders:  # a line may lack what the others have
                is_there = f"({shown}) is not null" if self.is_lines else "true"
                cleaned.append(f"{is_there} as is_disputed{number}")
            if cell.folder is not None and self.is_lines:
                shown = f"coalesce({shown}, {quoted(cell.folder)})"
            cleaned.append(f"{shown} as cell{number}")
            is_structure = f"left({value}, 1) in ('{{', '[')" if cell.paths else "false"
            cleaned.append(f"coalesce({is_structure}, false) as is_structure{number}")
        return cleaned


def _as_text(cell: MappedCell) -> str:
    if cell.kind in FLOAT_TYPES:  # a number that is missing
        return f"cast(case when not isnan({cell.base}) then {cell.base} end as varchar)"
    return f"cast({cell.base} as varchar)"


def _line_fault() -> str:
    first = f"left(ltrim({LINE}, {quoted(BLANKS)}), 1)"
    return f"""case
        when broken is not null then broken
        when not json_valid({LINE}) or {_has_comma_at_the_end(LINE)}
        then {BROKEN.index(BROKEN_JSON) + 1}
        when {first} <> '{{' then {BROKEN.index(BROKEN_OBJECT) + 1}
    end"""


def _has_comma_at_the_end(line: str) -> str:
    """Tell whether a comma ends an object or a list, which the engine lets pass."""
    comma = quoted(r",[ \t\r\n]*[}\]]")
    without_texts = f"regexp_replace({line}, {quoted(_JSON_TEXT)}, '', 'g')"
    return f"(regexp_matches({line}, {comma}) and regexp_matches({without_texts}, {comma}))"


def _line_text() -> str:
    return f"case when ({_line_fault()}) is not null then coalesce(text_line, {LINE}) end"


def _may_hold_objects(base: str) -> str:
    """Tell whether a JSON text may have a text with quotes in it."""
    return f"""contains({base}, '\\"') or contains({base}, '\\u0022')"""


def _is_json(base: str) -> str:
    """Tell whether a column has JSON; the lines of a file have been looked at before."""
    return "true" if base == LINE else f"json_valid({base})"


def _step(value: str, step: Step) -> str:
    """Return what a step leads to from a value, which may be a text that holds an object."""
    inner = _unwrapped(value)
    held = (
        f"case when left({value}, 1) <> '\"' then {value} when json_valid({inner}) then {inner} end"
    )
    return f"cast(json_extract({held}, {quoted(_pointer((step,)))}) as varchar)"


def _unwrapped(value: str) -> str:
    """Return the text of a value of JSON; null of null."""
    return f"""case
        when left({value}, 1) = '"' then {value} ->> '$'
        when {value} <> 'null' then {value}
    end"""


def _as_in_the_file(value: str, cell: MappedCell) -> str:
    """Return the text of a value of JSON; a number as it stands in the file, as 1.50.

    The engine writes numbers with decimals anew. Their own text is looked for behind their key.
    """
    key, text = cell.paths[-1][-1], _unwrapped(value)
    if not isinstance(key, str) or "\\E" in key:
        return text
    behind_key = quoted(f'"\\Q{key}\\E"[ \\t]*:[ \\t]*(-?[0-9][0-9.eE+-]*)')
    own = f"regexp_extract({cell.base}, {behind_key}, 1)"
    is_same = f"try_cast({own} as double) = try_cast({value} as double)"
    has_decimals = f"regexp_matches({value}, '^-?[0-9]+[.eE]')"
    return f"case when {has_decimals} and {is_same} then {own} else {text} end"


def _pointer(steps: Sequence[Step]) -> str:
    """Return a path as a JSON pointer, in which no character of a key means anything else."""
    keys = (str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return "".join(f"/{key}" for key in keys)
