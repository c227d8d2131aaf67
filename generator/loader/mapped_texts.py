"""A mapping as SQL: the cells of a file become the texts that the rules type and check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from generator.loader.casts import Cell
from generator.loader.mapped_cells import MappedCells
from generator.loader.mapped_values import MappedValues
from generator.loader.mapping import DEFAULT, IGNORE, MEASURES, REJECT, TIMES, Entry
from generator.loader.rules import FOLDER_OF_ONLY, IGNORED, Rules
from generator.loader.text_format import PLAIN, TextFormat
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
        self.found, self.decimal = found, text_format.decimal
        self.pattern = text_format.date_format
        entries = (_with_mark(entry, self._mark(entry.names)) for entry in found.mapping.entries)
        self.mapping = replace(found.mapping, entries=tuple(entries))
        self.rules, self.disputed = rules, found.disputed
        self.nulls = TextFormat(nulls=text_format.nulls)
        self.values = MappedValues(found, text_format, is_lines, found.mapping.plain_names)
        self.cells, self.numbers = self.values.cells, self.values.numbers
        self.only = self._in_folders(found.mapping.only_names)

    def sql(self, rows: str) -> str:
        texts = [self._outcome_text(column) for column in self.rules.columns]
        texts += ["text_highest"] if self.mapping.has_highest else []
        columns = ", ".join(texts)
        broken = f"cast({self._broken()} as utinyint) as broken"
        return f"""
            select {columns}, {self._folders()} as text_folders, {broken}, text_line
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
                chosen.append(f"{self._highest(entry.highest)} as text_highest")
        return chosen

    def _mark(self, names: Sequence[str]) -> str:
        """Return what stands before the decimals in some cells."""
        return "." if self.found.have_points(names) else self.decimal

    def _highest(self, name: str) -> str:
        """Return the highest possible score with a point, as it stands in names of folders."""
        text = self.values.first([name])
        if self._mark([name]) == PLAIN.decimal:
            return text
        return self._unless_lacking(name, _swapped(text), text)

    def _of_first(self, names: Sequence[str], of: Callable[[str], str], missing: str) -> str:
        """Return what is said of the first of some names that is not missing.

        Where a file has one of them alone, that counts, missing or not.
        """
        found = [name for name in names if name in self.numbers]
        if len(found) == 1:
            return of(found[0])
        whens = (f"when {self._is_given(name)} then {of(name)}" for name in found)
        return f"case {' '.join(whens)} else {missing} end"

    def _is_given(self, name: str) -> str:
        return f"(cell{self.numbers[name]} is not null)"

    def _unless_lacking(self, name: str, text: str, of_folder: str) -> str:
        """Return a text, or another one where a line lacks what its folder says."""
        number = self.numbers.get(name)
        if number is None or not self.cells[number].is_in_folders:
            return text
        return f"case when is_disputed{number} then {text} else {of_folder} end"

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
        text = self._written_alike(entry, _text_of(entry, _given(entry)))
        is_wrong = " or ".join(condition for condition, _ in self._faults(entry)) or "false"
        return f"case when {is_wrong} then {_given(entry)} else {text} end as text_{column}"

    def _written_alike(self, entry: Entry, text: str) -> str:
        """Return a number or a day as cells write it, where programs wrote it too."""
        names = [name for name in entry.names if name in self.numbers]
        if entry.column in MEASURES and self._mark(names) != PLAIN.decimal:
            own = _swapped(_text_of(_with_mark(entry, PLAIN.decimal), _given(entry)))
            are_own = {name: self._mark([name]) == PLAIN.decimal for name in names}
        elif entry.column in TIMES and self.pattern and not (entry.date_format or entry.ticks):
            if entry.column in self.found.in_folders:  # which the rules know
                return text
            day = f"case when regexp_full_match({text}, '[0-9-]{{10}}') then {text} end"
            day = f"strftime(try_cast({day} as date), {quoted(self.pattern)})"
            own = f"coalesce({day}, {text})"
            are_own = {name: self.cells[self.numbers[name]].is_folder for name in names}
        else:
            return text

        def of(name: str) -> str:
            return own if are_own[name] else self._unless_lacking(name, text, own)

        is_mixed = any(of(name) != text for name in names)
        return self._of_first(names, of, text) if is_mixed else text

    def _folders(self) -> str:
        """Return as JSON what folders say of columns whose cells say something too."""
        said = []
        for entry in self.mapping.entries:
            if entry.column in self.disputed:
                said.append(self._of_first(entry.names, partial(self._of_folder, entry), "null"))
        found = f"'{{' || concat_ws(',', {', '.join(said)}) || '}}'" if said else "null"
        if self.only:
            cells = ", ".join(f"{quoted(name)}, cell{self.numbers[name]}" for name in self.only)
            found = f"case when {self._is_outside()} then json_object({cells}) else {found} end"
        return f"cast({found} as varchar)"

    def _of_folder(self, entry: Entry, name: str) -> str:
        cell = self.cells[self.numbers[name]]
        if not cell.is_in_folders:
            return "null"
        given = Cell("cast(null as varchar)" if cell.folder is None else quoted(cell.folder))
        text = _text_of(_with_mark(entry, PLAIN.decimal), replace(given, format=self.nulls).trimmed)
        key = quoted(f'"{entry.column}":')
        is_disputed = f"is_disputed{self.numbers[name]}"
        return f"case when {is_disputed} then {key} || coalesce(to_json({text}), 'null') end"

    def _is_outside(self) -> str:
        """Tell whether a cell of `only` is not what the name of its folder says."""
        return " or ".join(self._differs(name) for name in self.only)

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
                is_other = _is_other(entry, _given(entry))
                ignored.append(f"({is_other} and not is_structure_{entry.column})")
            if entry.missing == IGNORE:
                ignored.append(f"{_outcome(entry)} is null")
            faults += self._faults(entry)
        if self.only:
            faults.append((self._is_outside(), self.rules.number(FOLDER_OF_ONLY)))
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
            faults.append((_is_other(entry, _given(entry)), self._number(column, "others")))
        is_needed = column in self.rules.required and column not in self.rules.spared
        if entry.missing == REJECT and not is_needed:
            faults.append((f"{_outcome(entry)} is null", self._number(column, "missing")))
        folder = self._number(column, "folder")
        for name in self._in_folders(names):
            differs = self._differs(name, column in MEASURES)
            if column not in self.disputed:
                faults.append((differs, folder))
            elif len(names) > 1:  # the rules compare the one that counts
                before = [f"not {self._is_given(other)}" for other in names[: names.index(name)]]
                counts = " and ".join([self._is_given(name), *before])
                faults.append((f"({differs} and not ({counts}))", folder))
        for name in self._in_folders([entry.highest or ""]):
            faults.append((self._differs(name, is_number=True), folder))
        return faults

    def _in_folders(self, names: Iterable[str]) -> list[str]:
        """Return those of some names that stand in the file and in its folders too."""
        return [n for n in names if n in self.numbers and self.cells[self.numbers[n]].is_in_folders]

    def _differs(self, name: str, is_number: bool = False) -> str:
        """Tell whether a cell is another text than that of its folder, and another number."""
        number = self.numbers[name]
        folder, text = self.cells[number].folder, f"cell{number}"
        if is_number and self._mark([name]) != PLAIN.decimal:
            text = _swapped(text)
        said = "null" if folder is None else quoted(folder)
        is_same = f"coalesce(try_cast({text} as double) = try_cast({said} as double), false)"
        return f"(is_disputed{number} and {text} is distinct from {said} and not {is_same})"

    def _number(self, column: str, kind: str) -> int:
        return self.rules.mapping_fault(column, kind)


def _with_mark(entry: Entry, mark: str) -> Entry:
    """Return an entry whose own numbers have the mark before decimals by which they are read."""
    if entry.column not in MEASURES:
        return entry

    def marked(text: str) -> str:
        return text.replace("," if mark == "." else ".", mark)

    return replace(
        entry,
        values=tuple((text, marked(to)) for text, to in entry.values),
        other=entry.other and marked(entry.other),
        default=entry.default and marked(entry.default),
    )


def _swapped(text: str) -> str:
    """Return the text of a number with the other mark before its decimals."""
    return f"translate({text}, ',.', '.,')"


def _given(entry: Entry) -> str:
    return f"given_{entry.column}"


def _outcome(entry: Entry) -> str:
    """Return the text that the values make of the given one; null when it is missing."""
    return f"nullif({_by_values(entry, _given(entry))}, '')"


def _text_of(entry: Entry, given: str) -> str:
    """Return what the rules read of a given text."""
    text = f"nullif({_by_values(entry, given)}, '')" if entry.values or entry.other else given
    if entry.others == DEFAULT:
        text = f"case when not {_is_other(entry, given)} then {text} end"
    return f"coalesce({text}, {quoted(entry.default)})" if entry.default else text


def _by_values(entry: Entry, given: str) -> str:
    whens = " ".join(f"when {quoted(text)} then {quoted(to)}" for text, to in entry.values)
    other = given if entry.other is None else quoted(entry.other)
    if not whens:
        return f"case when {given} is not null then {other} end"
    return f"case when {given} is not null then case {given} {whens} else {other} end end"


def _is_other(entry: Entry, given: str) -> str:
    """Tell whether a text is none that the values name; a missing cell is no text."""
    if not entry.values:
        return f"({given} is not null)"
    texts = quoted_list(text for text, _ in entry.values)
    return f"coalesce({given} not in ({texts}), false)"
