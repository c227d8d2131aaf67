"""People who change and people who leave, against a warehouse in which nobody does."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from generator.erasing import erase
from generator.erasing.wanted import Wanted
from generator.warehouse.anew import write_anew
from generator.warehouse.file import open_connection
from tests.benchmarks.measuring import Clock, Row, best, measured
from tests.benchmarks.models import run_models

ROUNDS = 2
CHANGES = """
    insert into raw.user_changes
    select user_id, signup_date + 1 + user_id % 200, 'paid', 1, country, marketing_source
    from raw.users where user_id % 10 < 3
"""
"""A change of three users in ten, on all sorts of days."""
ERASED = 1_000


def user_daily(clock: Clock, warehouse: Path, *changes: str) -> None:
    with duckdb.connect(str(warehouse)) as con:
        for statement in ("delete from raw.user_changes", *changes):
            con.execute(statement)
    run_models(clock, warehouse, "--full-refresh", "--select", "user_daily")


def changes_row(warehouse: Path) -> Row:
    """Return the row of user_daily with changes; raw.user_changes is empty in the end."""
    turns = [
        (measured(user_daily, warehouse, CHANGES), measured(user_daily, warehouse))
        for _ in range(ROUNDS)
    ]
    ours, yardstick = (best(list(measures)) for measures in zip(*turns, strict=True))
    what = "user_daily with changes of 30 % of the users"
    return Row(what, ours.seconds, yardstick.seconds, 1.15, ours.peak_bytes)


def erase_users(clock: Clock, warehouse: Path) -> None:
    users = Wanted("file", tuple(map(str, range(1, ERASED + 1))))
    with clock.running():
        assert erase(warehouse, users).users == ERASED


def write_once(clock: Clock, warehouse: Path) -> None:
    """The yardstick: the whole file, written anew by the same code, with the keys."""
    with clock.running(), open_connection(warehouse) as con:
        write_anew(con, warehouse)


def erase_row(warehouse: Path) -> Row:
    """Return the row of an erasure, on a copy of a warehouse."""
    copy = warehouse.with_name("erased.duckdb")
    shutil.copy(warehouse, copy)
    with duckdb.connect(str(copy), read_only=True) as con:
        [(events,)] = con.execute("select count(*) from raw.events").fetchall()
    yardstick = measured(write_once, copy)
    ours = measured(erase_users, copy)
    copy.unlink()
    what = f"erase {ERASED:,} users of {events:,} events"
    return Row(what, ours.seconds, yardstick.seconds, 2.0, ours.peak_bytes)
