"""Marks on staged rows: the reason for which a row is not loaded, found by other rows."""

from __future__ import annotations

from dataclasses import dataclass

from generator.loader.rules import REPEATED, Fault
from generator.loader.staging import Staging
from generator.vocabulary import LATENT
from generator.warehouse.sql import has_table
from generator.warehouse.table import Table


@dataclass(frozen=True)
class KeyRule:
    """What is said of staged rows whose key is known already, with other content."""

    exists: Fault
    duplicate: Fault
    rows: str = "true"
    """Condition on the rows, which are called ``staged``."""


def mark(staging: Staging, fault: Fault, condition: str) -> None:
    """Reject the good rows, called ``staged``, that meet a condition."""
    staging.con.execute(
        f"""
        update {staging.name} as staged
        set fault = {staging.rules.number(fault)},
            offender = cast(staged.{fault.column} as varchar)
        where staged.fault is null and ({condition})
        """
    )


def check_key(
    staging: Staging, table: Table, append: bool, *rules: KeyRule, rows: str = "true"
) -> None:
    """Mark the rows whose key is stored or stood before: the same content is only repeated.

    The joins by content are worth it only where there are such rows.

    Parameters
    ----------
    staging
        The staged rows.
    table
        The table that they are for, with its key.
    append
        Whether its stored rows stay.
    rules
        The reasons; each row has one of them.
    rows
        Condition of those rows, which are called ``staged``, that are for this table.
    """
    con, key = staging.con, table.key
    source, good = f"from {staging.name} as staged", f"where staged.fault is null and {rows}"
    if append and has_table(con, table.name):  # an older warehouse has no changes
        con.execute(
            f"""
            create or replace temp table first_rows as
            select stored.* from {table.name} as stored
            semi join (select {key} {source} {good}) using ({key})
            """
        )
        for rule in rules:
            _mark_again(staging, table, rule.exists, f"{rows} and {rule.rows}")
    several = f"select {key} {source} {good} group by {key} having count(*) > 1"
    if con.execute(f"{several} limit 1").fetchall():
        con.execute(
            f"""
            create or replace temp table first_rows as
            select rowid as first_row, * exclude (fault, offender) from {staging.name}
            where rowid in (
                select min(staged.rowid) {source} semi join ({several}) using ({key})
                {good} group by {key}
            )
            """
        )
        for rule in rules:
            condition = f"{rows} and {rule.rows} and staged.rowid <> first_row"
            _mark_again(staging, table, rule.duplicate, condition, is_stored=False)


def _mark_again(
    staging: Staging, table: Table, fault: Fault, condition: str, is_stored: bool = True
) -> None:
    """Mark the good rows that have the key of one of ``first_rows``."""
    same_key = " and ".join(f"staged.{name} = first_rows.{name}" for name in table.key_columns)
    same = " and ".join(
        _is_same(staging, name, is_stored)
        for name in table.column_names
        if name not in table.key_columns
    )
    staging.con.execute(
        f"""
        update {staging.name} as staged
        set fault = case when {same} then {REPEATED} else {staging.rules.number(fault)} end,
            offender = cast(staged.{fault.column} as varchar)
        from temp.first_rows
        where staged.fault is null and {same_key} and {condition}
        """
    )


def _is_same(staging: Staging, column: str, is_stored: bool) -> str:
    same = [f"staged.{column} is not distinct from first_rows.{column}"]
    if column in LATENT:  # a file that lacks it says nothing of it
        same.append(staging.is_unsaid(column, "staged.rowid", f"staged.{column}"))
        if not is_stored:
            same.append(staging.is_unsaid(column, "first_row", f"first_rows.{column}"))
    return f"({' or '.join(same)})"
