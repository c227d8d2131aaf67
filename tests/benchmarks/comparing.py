"""``elearn diff`` where one row in a hundred differs, against hashing both files once."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import duckdb

from generator.cli.options import DEFAULT_PUBLISHED
from generator.comparing import COMPARED, compare_files
from generator.warehouse.sql import has_table
from tests.benchmarks.measuring import Clock, Row, best, measured

CHANGES = {
    "raw.events": "course_name = 'another'",
    "main.user_daily": "watch_minutes_sum = watch_minutes_sum + 1",
    "main.user_features_daily": "events_30d = events_30d + 1",
    "main.churn_labels": "churn_label = 1 - churn_label",
    "main.training_dataset": "churn_label = 1 - churn_label",
}


def change(path: Path) -> None:
    """Change one row in a hundred of the large tables, all over them."""
    with duckdb.connect(str(path)) as con:
        for table, values in CHANGES.items():
            con.execute(f"update {table} as t set {values} where hash(t) % 100 = 0")


def diff(clock: Clock, one: Path, other: Path) -> None:
    with clock.running():
        assert not compare_files(one, other).is_equal


def hash_both(clock: Clock, one: Path, other: Path) -> None:
    """The yardstick: the engine's own hash of every row of both files."""
    for path in (one, other):
        with duckdb.connect(str(path), read_only=True) as con, clock.running():
            for table in filter(partial(has_table, con), COMPARED):
                con.execute(f"select count(*), sum(hash(t)) from {table} as t").fetchall()


def diff_row(folder: Path) -> Row:
    """Return the row of comparing what was published last with a changed copy of it."""
    one, other = folder / DEFAULT_PUBLISHED, folder / "other.duckdb"
    shutil.copyfile(one, other)
    change(other)
    turns = [(measured(diff, one, other), measured(hash_both, one, other)) for _ in range(3)]
    other.unlink()
    ours, yardstick = (best(list(measures)) for measures in zip(*turns, strict=True))
    what = "elearn diff, 1 % of rows differ, against hashing"
    return Row.of(what, ours, yardstick, 2.0)
