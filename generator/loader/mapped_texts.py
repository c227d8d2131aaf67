"""A mapping as SQL: the cells of a file become the texts that the rules type and check."""

from __future__ import annotations

from collections.abc import Sequence

from generator.loader.mapped_cells import MappedCells
from generator.loader.mapped_values import MappedValues
from generator.loader.mapping import DEFAULT, IGNORE, REJECT, Entry
from generator.loader.rules import IGNORED, Rules
from generator.loader.text_format import TextFormat
from generator.warehouse.sql import quoted, quoted_list


def mapped_texts(
    found: MappedCells, rules: Rules, text_format: TextFormat, rows: str, is_lines: bool
) -> str:
    """Return the query for the texts that ``rules.typed`` takes.

    Parameters
    ----------
    found
        The mapping, and where its names stand in the file.
    rules
        The rules of the table, which number the faults.
    text_format
        The spellings of null.
    rows
        Relation with the columns of the file, ``broken`` and ``text_line``.
    is_lines
        Whether its rows are JSON lines.
    """
    return _Query(found, rules, text_format, is_lines).sql(rows)


class _Query:
    def __init__(
        self, found: MappedCells, rules: Rules, text_format: TextFormat, is_lines: bool
    ) -> None:
        self.mapping, self.rules = found.mapping, rules
        self.values = MappedValues(found, text_format, is_lines, found.mapping.plain_names)
        self.cells, self.numbers = self.values.cells, self.values.numbers

    def sql(self, rows: str) -> str:
        texts = [self._outcome_text(column) for column in self.rules.columns]
        texts += ["text_highest"] if self.mapping.has_highest else []
        columns = ", ".join(texts)
        broken = f"cast({self._broken()} as utinyint) as broken"
        return f"""
            select {columns}, cast(null as varchar) as text_folders, {broken}, text_line
            from (
                select *, {", ".join(self._chosen())} from ({self.values.sql(rows)})
            )
        """

    # What the mapping makes of them.

    def _chosen(self) -> list[str]:
        chosen = []
        for entry in self.mapping.entries:
            chosen.append(f"{self._given(entry)} as given_{entry.column}")
            is_structure = self._is_any_structure(entry.hashed) or self._is_structure(entry.names)
            chosen.append(f"{is_structure} as is_structure_{entry.column}")
            if entry.highest:
                chosen.append(f"{self.values.first([entry.highest])} as text_highest")
        return chosen

    def _given(self, entry: Entry) -> str:
        return self._hash(entry.hashed) if entry.hashed else self.values.first(entry.names)

    def _is_structure(self, names: Sequence[str]) -> str:
        found = [self.numbers[name] for name in names if name in self.numbers]
        whens = (f"when cell{n} is not null then is_structure{n}" for n in found)
        return f"case {' '.join(whens)} else false end" if found else "false"

    def _is_any_structure(self, names: Sequence[str]) -> str:
        return " or ".join(f"is_structure{self.numbers[name]}" for name in names)

    def _hash(self, names: Sequence[str]) -> str:
        """Return 63 bits of the texts, each with its length before it, so that they stay apart."""
        texts = [f"coalesce(cell{self.numbers[name]}, '')" for name in names]
        apart = ", ".join(f"strlen({text}), ':', {text}" for text in texts)
        number = f"cast('0x' || left(md5(concat({apart})), 16) as ubigint) & {2**63 - 1}"
        is_given = " or ".join(f"cell{self.numbers[name]} is not null" for name in names)
        return f"case when {is_given} then cast({number} as varchar) end"

    def _outcome_text(self, column: str) -> str:
        """Return what the rules read; the text as it was given where the mapping rejects it."""
        entry = self.mapping.entry(column)
        if entry is None:
            return f"cast(null as varchar) as text_{column}"
        text = f"nullif({_by_values(entry)}, '')" if entry.values or entry.other else _given(entry)
        if entry.others == DEFAULT:
            text = f"case when not {_is_other(entry)} then {text} end"
        if entry.default:
            text = f"coalesce({text}, {quoted(entry.default)})"
        is_wrong = " or ".join(condition for condition, _ in self._faults(entry)) or "false"
        return f"case when {is_wrong} then {_given(entry)} else {text} end as text_{column}"

    def _broken(self) -> str:
        """Return the first that applies: a broken line, an ignored row, a fault of a column."""
        ignored = [
            f"not coalesce(cell{self.numbers[name]} in ({quoted_list(texts) or 'null'})"
            f" and not is_structure{self.numbers[name]}, false)"
            for name, texts in self.mapping.only
        ]
        faults = []
        for entry in self.mapping.entries:
            if entry.others == IGNORE:
                ignored.append(f"({_is_other(entry)} and not is_structure_{entry.column})")
            if entry.missing == IGNORE:
                ignored.append(f"{_outcome(entry)} is null")
            faults += self._faults(entry)
        whens = [f"when {condition} then {IGNORED}" for condition in ignored]
        whens += [f"when {condition} then {number}" for condition, number in faults]
        return f"case when broken is not null then broken {' '.join(whens)} end"

    def _faults(self, entry: Entry) -> list[tuple[str, int]]:
        """Return what the mapping may find wrong with a column, with the number of each fault."""
        column, faults = entry.column, []
        names = [name for name in (*entry.names, *entry.hashed) if name in self.numbers]
        if any(self.cells[self.numbers[name]].paths for name in names):
            faults.append((f"is_structure_{column}", self._number(column, "structure")))
        if entry.others == REJECT:
            faults.append((_is_other(entry), self._number(column, "others")))
        is_needed = column in self.rules.required and column not in self.rules.spared
        if entry.missing == REJECT and not is_needed:
            faults.append((f"{_outcome(entry)} is null", self._number(column, "missing")))
        for name in names:
            number = self.numbers[name]
            folder = self.cells[number].folder
            if folder is not None:
                differs = _differs(f"cell{number}", quoted(folder))
                faults.append((differs, self._number(column, "folder")))
        return faults

    def _number(self, column: str, kind: str) -> int:
        return self.rules.mapping_fault(column, kind)


def _given(entry: Entry) -> str:
    return f"given_{entry.column}"


def _outcome(entry: Entry) -> str:
    """Return the text that the values make of the given one; null when it is missing."""
    return f"nullif({_by_values(entry)}, '')"


def _by_values(entry: Entry) -> str:
    whens = " ".join(f"when {quoted(text)} then {quoted(to)}" for text, to in entry.values)
    other = _given(entry) if entry.other is None else quoted(entry.other)
    if not whens:
        return f"case when {_given(entry)} is not null then {other} end"
    return (
        f"case when {_given(entry)} is not null then case {_given(entry)} {whens} else {other} end"
        " end"
    )


def _is_other(entry: Entry) -> str:
    """Tell whether a text is none that the values name; a missing cell is no text."""
    if not entry.values:
        return f"({_given(entry)} is not null)"
    texts = quoted_list(text for text, _ in entry.values)
    return f"coalesce({_given(entry)} not in ({texts}), false)"


def _differs(cell: str, folder: str) -> str:
    is_same_number = f"coalesce(try_cast({cell} as double) = try_cast({folder} as double), false)"
    return f"({cell} <> {folder} and not {is_same_number})"
