"""What a load brought, as raw.loads keeps it: counts by table, and shapes by column.

It holds no text of a cell but event types, and nothing of a simulation's engagement_score. Means
come from sums of exact decimals and deciles are values that are there, so that the same rows give
the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from generator.vocabulary import LATENT
from generator.warehouse.sql import one_row
from generator.warehouse.table import Column, Table
from generator.warehouse.tables import EVENTS, USER_CHANGES

DAY_COLUMNS = {EVENTS: "event_date", USER_CHANGES: "valid_from"}
"""What arrives day by day, and the column with its day, by which a row can be late."""

OUTCOMES = ("repeated", "ignored", "rejected")
DECILES = [tenth / 10 for tenth in range(1, 10)]
Profile = dict[str, dict[str, Any]]


def profile_of(
    con: duckdb.DuckDBPyConnection,
    rows: Mapping[Table, str],
    earlier_last_day: date | None = None,
    outcomes: Mapping[str, int] | None = None,
) -> Profile:
    """Return what a load brought, by table.

    Parameters
    ----------
    con
        The connection of the load.
    rows
        The relation of each table's new rows.
    earlier_last_day
        Last day with an event before the load; None where nothing stays of what was before. Rows of
        earlier days are late.
    outcomes
        What became of the rows that were not loaded, such as users_rejected; 0 for what is missing.
    """
    said = outcomes or {}
    profile = {}
    for table, relation in rows.items():
        name = table.name.partition(".")[2]
        counts = {outcome: said.get(f"{name}_{outcome}", 0) for outcome in OUTCOMES}
        found = _table_profile(con, table, relation, earlier_last_day)
        columns = found.pop("columns")
        profile[name] = found | counts | {"columns": columns}
    return profile


def as_json(profile: Profile | None) -> str | None:
    """Return the text that raw.loads keeps; None for a load that says nothing."""
    return None if profile is None else json.dumps(profile)


def without_shapes(text: str | None) -> str | None:
    """Return the text of a profile without means and deciles.

    A decile is a value that was there, and a mean gives away the one value that is missing now.
    """
    if text is None:
        return None
    profile: Profile = json.loads(text)
    for table in profile.values():
        for column in table["columns"].values():
            column.pop("mean", None)
            column.pop("deciles", None)
    return as_json(profile)


def _table_profile(
    con: duckdb.DuckDBPyConnection, table: Table, relation: str, earlier_last_day: date | None
) -> dict[str, Any]:
    """Return counts and columns of one table, from one pass over its rows."""
    day = DAY_COLUMNS.get(table)
    is_late = f"{day} < date '{earlier_last_day}'" if day and earlier_last_day else "false"
    columns = [column for column in table.columns if column.name not in LATENT]
    parts = ["count(*)", f"count(*) filter ({is_late})"]
    parts += [part for column in columns for part in _aggregates(column)]
    found = iter(one_row(con, f"select {', '.join(parts)} from {relation}"))
    rows, late_rows = next(found), next(found)
    return {
        "rows": rows,
        "late_rows": late_rows,
        "columns": {column.name: _column_profile(column, rows, found) for column in columns},
    }


def _aggregates(column: Column) -> list[str]:
    name = column.name
    if column.type == "DOUBLE":
        # as exact decimals, whose sum does not depend on the order
        total = f"cast(sum(cast({name} as decimal(18, 4))) as double)"
        return [f"count({name})", total, f"quantile_disc({name}, {DECILES})"]
    if name == "event_type":
        return ["count(*)", f"histogram({name})"]
    # the database lets no null into a required column
    return ["count(*)" if column.required else f"count({name})"]


def _column_profile(column: Column, rows: int, found: Any) -> dict[str, Any]:
    values = next(found)
    said: dict[str, Any] = {"null_share": (rows - values) / rows if rows else None}
    if column.type == "DOUBLE":
        total, deciles = next(found), next(found)
        said |= {"mean": total / values if values else None, "deciles": deciles}
    elif column.name == "event_type":
        mix = next(found) or {}
        said["event_mix"] = {name: mix[name] for name in sorted(mix)}
    return said
