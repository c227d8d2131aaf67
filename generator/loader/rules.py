"""What a rule is: typed values, and for a row that breaks one the first reason."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from generator.loader.csv_records import BROKEN
from generator.warehouse.table import Table

IGNORED, REPEATED = 254, 255
"""What stands in place of a fault's number for a row that is not loaded, but has no fault."""
VALID_FROM = "valid_from"
"""The staged day from which a row of users holds; null from the signup on."""
MAPPING_FAULTS = {
    "structure": "is an object or a list where a value is wanted",
    "others": "is a text that the mapping rejects",
    "missing": "is missing",
    "folder": "is not what the name of its folder says",
}
"""What a mapping may find wrong with a column, in the order in which it applies."""


@dataclass(frozen=True)
class Fault:
    """One reason for which a row is rejected."""

    column: str
    """The column whose text is shown with it."""
    reason: str
    condition: str = "true"
    """SQL that tells it from the later faults of the same check."""


FOLDER_OF_ONLY = Fault("folders", f"a column of `only` {MAPPING_FAULTS['folder']}")
"""What a mapping may find wrong with a column that it reads for nothing else."""


@dataclass(frozen=True)
class Check:
    """A condition that no good row meets, and what it may come down to."""

    broken: str
    faults: tuple[Fault, ...]
    """The first whose condition holds applies; the last one always does."""


@dataclass(frozen=True)
class Rules:
    """How the texts of one table become rows."""

    table: Table
    required: tuple[str, ...]
    """Columns that every file has, but for those that others spare."""
    optional: tuple[str, ...]
    values: dict[str, str]
    """SQL of each value; a later one may use an earlier one."""
    checks: tuple[Check, ...]
    """In the order in which their reasons apply."""
    late_faults: tuple[Fault, ...]
    """Reasons that take other rows to find, in order."""
    staged: dict[str, str] = field(default_factory=dict)
    """Values that are staged beside the columns of the table, with their types."""
    spared: dict[str, str] = field(default_factory=dict)
    """Required columns that a file may lack, each with the column that it has to have then."""
    mapping_faults: tuple[Fault, ...] = ()
    """Reasons that a mapping gives, which come before those of the cells."""

    @property
    def good(self) -> str:
        """Condition of the staged rows that become rows of the table."""
        return "fault is null" + (f" and {VALID_FROM} is null" if VALID_FROM in self.staged else "")

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read from a file."""
        return self.required + self.optional

    def missing(self, names: Container[str]) -> list[str]:
        """Return the required columns that a file with such columns lacks."""
        return [
            name
            for name in self.required
            if name not in names and self.spared.get(name) not in names
        ]

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """Every reason; the number of a fault is its position, from 1."""
        broken = tuple(Fault("line", reason) for reason in BROKEN)
        return broken + self.own_faults + self.late_faults + self.mapping_faults

    @property
    def own_faults(self) -> tuple[Fault, ...]:
        """Reasons that the cells of a row give by themselves."""
        return tuple(fault for check in self.checks for fault in check.faults)

    def mapping_fault(self, column: str, kind: str) -> int:
        """Return the number of a reason of MAPPING_FAULTS for a column."""
        return self.number(Fault(column, f"{column} {MAPPING_FAULTS[kind]}"))

    def number(self, fault: Fault) -> int:
        """Return the number of a fault."""
        return self.faults.index(fault) + 1

    def typed(self, texts: str, names: Sequence[str]) -> str:
        """Return the query that types and checks the rows of a relation of texts.

        To plan the conditions of all reasons takes longer than to load a small file, so this query
        only finds the check that a row breaks, and keeps the row's texts for :meth:`explained`.

        Parameters
        ----------
        texts
            Query with a column ``text_<name>`` for each of the names. Besides ``columns`` these are
            ``folders``, the values that the folders of its file give columns of the file, as a
            JSON object, or null; and with it ``broken`` and ``text_line``: the number of the
            fault and the text of a record without cells.
        names
            Names of the columns of texts.

        Returns
        -------
        A query of the table's columns, those of ``staged``, ``fault``, ``offender`` and ``texts``.
        Of a row that breaks a check, ``fault`` is the check's first fault.
        """
        broken = (
            f"when {check.broken} then {self.number(check.faults[0])}" for check in self.checks
        )
        kept = ", ".join(f"text_{name}" for name in names)
        return f"""
            select {", ".join([*self.table.column_names, *self.staged])}, fault,
                case when fault is not null then text_line end as offender,
                case when {self.is_unexplained} then [{kept}] end as texts
            from (
                select *, cast(coalesce(broken, case {" ".join(broken)} end) as utinyint) as fault
                from ({self._valued(texts)})
            )
        """

    @property
    def is_unexplained(self) -> str:
        """Condition of the rows of :meth:`typed` that break a rule of their cells."""
        return f"fault > {len(BROKEN)} and fault < {IGNORED}"

    def explained(self, rows: str, names: Sequence[str], numbers: Container[int]) -> str:
        """Return the query that finds the reasons of rows and the texts that give them.

        Parameters
        ----------
        rows
            Query of ``row_id`` and of ``fault`` and ``texts`` as :meth:`typed` returns them.
        names
            Names of the texts.
        numbers
            The faults that the rows have.

        Returns
        -------
        A query of ``row_id``, ``fault`` and ``offender``.
        """
        texts = ", ".join(f"texts[{place}] as text_{name}" for place, name in enumerate(names, 1))
        checks = [check for check in self.checks if self.number(check.faults[0]) in numbers]
        several = [check for check in checks if len(check.faults) > 1]
        reasons = (
            f"when {self.number(check.faults[0])} then {self._reason(check)}" for check in several
        )
        fault = f"case fault {' '.join(reasons)} else fault end" if several else "fault"
        shown = [fault for check in checks for fault in check.faults]
        shown += [fault for fault in self.mapping_faults if self.number(fault) in numbers]
        offenders = (f"when {self.number(fault)} then text_{fault.column}" for fault in shown)
        return f"""
            select row_id, fault, case fault {" ".join(offenders)} end as offender
            from (
                select * exclude (fault), cast({fault} as utinyint) as fault
                from ({self._valued(f"select row_id, fault, {texts} from ({rows})")})
            )
        """

    def _valued(self, texts: str) -> str:
        values = ", ".join(f"{value} as {name}" for name, value in self.values.items())
        return f"select *, {values} from ({texts})"

    def _reason(self, check: Check) -> str:
        faults = (f"when {fault.condition} then {self.number(fault)}" for fault in check.faults)
        return f"case {' '.join(faults)} end"
