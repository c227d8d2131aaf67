"""``elearn diff``: every difference between two files to the bit, and nothing else."""

from __future__ import annotations

import json
import shutil
import struct
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.comparing import COMPARED, compare_files
from generator.warehouse.table_copy import copy_table
from generator.warehouse.tables import LOADS
from tests.conftest import Elearn
from tests.publishing.folders import change, query

Rows = dict[tuple, dict[str, Any]]

CHANGES = (
    "update main.user_daily set watch_minutes_sum = '-0.0'"
    " where watch_minutes_sum = 0 and user_id = 3",
    "update main.user_features_daily set quiz_avg_score_7d = null, events_7d = events_7d + 1"
    " where user_id = 5",
    "update main.churn_labels set churn_label = 1 - churn_label,"
    " future_active_days = churn_label where user_id in (7, 8)",
    "update main.training_dataset set churn_label = 1 - churn_label where user_id = 7",
    "delete from main.scoring_dataset where user_id < 9",
    "delete from main.training_splits where split = 'train'",
    "insert into main.activity_periods"
    " select * replace (period_number + 100 as period_number) from main.activity_periods"
    " where user_id = 2",
    "update raw.events set course_name = 'another', quiz_score = nullif(quiz_score, 50)"
    " where event_id % 97 = 0",
    "update raw.users set country = 'NZ' where user_id = 4",
    "delete from raw.user_changes where user_id % 2 = 0",
    "update raw.experiment_assignments set treatment_group = 'control' where user_id % 3 = 0",
)


def told(one: Path, other: Path) -> dict[str, Any]:
    return compare_files(one, other).as_dict()


def bits(value: object) -> object:
    """A value that equals another one if both are the same to the bit."""
    return struct.pack("d", value) if isinstance(value, float) else value


def read(path: Path, table: str) -> Rows:
    """The rows of a table by key, read by a plain query."""
    with duckdb.connect(str(path), read_only=True) as con:
        schema, _, name = table.partition(".")
        [(key,)] = con.execute(
            "select constraint_column_names from duckdb_constraints()"
            " where schema_name = ? and table_name = ? and constraint_type = 'PRIMARY KEY'",
            [schema, name],
        ).fetchall()
        found = con.execute(f"from {table}")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, map(bits, row), strict=True)) for row in found.fetchall()]
    return {tuple(row[column] for column in key): row for row in rows}


def judged(old: Rows, new: Rows) -> dict[str, Any]:
    """What differs, found by looking at each row."""
    changed = [key for key in old.keys() & new.keys() if old[key] != new[key]]
    columns: dict[str, int] = {}
    for key in changed:
        for name, value in old[key].items():
            if value != new[key][name]:
                columns[name] = columns.get(name, 0) + 1
    return {
        "rows_a": len(old),
        "rows_b": len(new),
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "changed": len(changed),
        "columns": columns,
    }


def test_a_published_file_equals_its_warehouse(built: Path, elearn: Elearn) -> None:
    warehouse, published = built / "warehouse.duckdb", built / "published/elearn.duckdb"
    done = elearn("diff", warehouse, published, "--json", "--quiet")
    found = json.loads(done.stdout)
    assert found["equal"] is True
    assert list(found["tables"]) == list(COMPARED)
    assert all(table["rows_a"] == table["rows_b"] for table in found["tables"].values())
    assert found["tables"]["main.user_daily"]["rows_a"] > 0
    assert found["a"]["vars"] == found["b"]["vars"] != {}
    assert elearn("diff", published, published, "--quiet").stdout.endswith(
        f"equal: all {len(COMPARED)} tables\n"
    )


def test_each_difference_is_counted_by_row_and_by_column(
    published: Path, other: Path, elearn: Elearn, tmp_path: Path
) -> None:
    change(other, *CHANGES)
    done = elearn(
        "diff", published, other, "--json", "--output", tmp_path / "differing", check=False
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["equal"] is False
    for name in COMPARED:
        old, new = read(published, name), read(other, name)
        expected = judged(old, new)
        assert {fact: found["tables"][name][fact] for fact in expected} == expected, name
        assert expected["added"] + expected["removed"] + expected["changed"] > 0, name
        check_written(tmp_path / "differing" / f"{name.partition('.')[2]}.parquet", old, new)
    up, down = query(
        published,
        "select count(*) filter (churn_label = 0), count(*) filter (churn_label = 1)"
        " from churn_labels where user_id in (7, 8)",
    )[0]
    flips = found["tables"]["main.churn_labels"]["labels_flipped"]
    assert flips == {"from_0_to_1": up, "from_1_to_0": down}
    assert found["labels_flipped"] == up + down
    text = elearn("diff", published, other, check=False).stdout
    assert f"{up + down:,} ({up:,} from 0 to 1, {down:,} from 1 to 0)" in text
    assert text.endswith("different: 11 of 11 tables\n")


def check_written(path: Path, old: Rows, new: Rows) -> None:
    """The file holds the rows that differ, and a changed one as both files have it."""
    found = duckdb.sql(f"from '{path}'")
    written = [tuple(map(bits, row)) for row in duckdb.sql(f"select * from '{path}'").fetchall()]
    names = found.columns[2:]
    assert found.columns[:2] == ["change", "file"]
    expected = []
    for key in old.keys() | new.keys():
        both = key in old and key in new
        if both and old[key] == new[key]:
            continue
        word = "changed" if both else "removed" if key in old else "added"
        for file, rows in (("a", old), ("b", new)):
            if key in rows:
                expected.append((word, file, *(rows[key][name] for name in names)))
    assert sorted(written, key=repr) == sorted(expected, key=repr)


def test_no_number_equals_itself_and_minus_zero_is_not_zero(published: Path, other: Path) -> None:
    values = "update main.user_daily set quiz_avg_score = {} where user_id = 3"
    both = other.with_name("both.duckdb")
    change(other, "alter table main.user_daily drop column quiz_avg_score")
    change(other, "alter table main.user_daily add column quiz_avg_score double")
    change(other, values.format("'nan'"))
    shutil.copyfile(other, both)
    assert told(other, both)["equal"] is True
    change(both, values.format("null"))
    rows = len([key for key in read(both, "main.user_daily") if key[0] == 3])
    assert told(other, both)["tables"]["main.user_daily"]["columns"] == {"quiz_avg_score": rows}
    for one, two, differs in (("'0.0'", "'-0.0'", True), ("'-0.0'", "'-0.0'", False)):
        change(other, values.format(one))
        change(both, values.format(two))
        assert told(other, both)["equal"] is not differs


def test_the_days_that_differ_are_named(published: Path, other: Path) -> None:
    change(
        other,
        "delete from main.churn_labels where as_of_date = '2025-01-20' and user_id = 3",
        "update main.user_daily set logins_count = 9"
        " where user_id = 3 and as_of_date in ('2025-02-02', '2025-02-04')",
    )
    found = told(published, other)
    days = {
        name: (table["first_day"], table["last_day"])
        for name, table in found["tables"].items()
        if table["first_day"]
    }
    assert days == {
        "main.churn_labels": ("2025-01-20", "2025-01-20"),
        "main.user_daily": ("2025-02-02", "2025-02-04"),
    }
    assert (found["first_day"], found["last_day"]) == ("2025-01-20", "2025-02-04")


def test_what_a_file_says_about_itself_is_shown_and_never_counts(
    published: Path, other: Path
) -> None:
    change(
        other,
        "update main.build_info set built_at = '2001-02-03', dbt_version = '9.9',"
        " vars = '{\"label_window_days\": 7}'",
        "insert into raw.loads select * replace (2 as load_id, 'later' as source) from raw.loads",
    )
    comparison = compare_files(published, other)
    assert comparison.is_equal
    found = comparison.as_dict()
    assert found["b"]["built_at"] == "2001-02-03 00:00:00"
    assert [load["source"] for load in found["b"]["loads"]] == ["generate", "later"]
    lines = "\n".join(comparison.as_lines())
    for shown in ("2001-02-03", "9.9", "load 2"):
        assert shown in lines
    change(other, "drop table main.build_info")
    assert told(published, other)["b"]["vars"] == {}


def test_tables_and_columns_of_one_file_alone_differ(published: Path, other: Path) -> None:
    change(
        other,
        "drop table main.activity_periods",
        "alter table main.training_splits add column notes varchar",
        "alter table main.churn_labels drop column future_active_days",
        "alter table main.churn_labels add column future_active_days bigint default 0",
    )
    comparison = compare_files(published, other)
    tables = comparison.as_dict()["tables"]
    periods = tables["main.activity_periods"]
    assert periods["is_in"] == {"a": True, "b": False}
    assert periods["removed"] == periods["rows_a"] > 0
    assert tables["main.training_splits"]["columns_only_in"] == {"a": (), "b": ("notes",)}
    retyped = tables["main.churn_labels"]["retyped"]
    assert retyped == {"future_active_days": ("INTEGER", "BIGINT")}
    differing = {table.name for table in comparison.tables if not table.is_equal}
    assert differing == {"main.activity_periods", "main.training_splits", "main.churn_labels"}


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("raw.user_changes", "'2025-02-01', plan, is_paid, country, marketing_source"),
        ("raw.experiment_assignments", "'control'"),
    ],
)
def test_a_file_without_a_table_that_need_not_be_has_no_rows_of_it(
    table: str, row: str, other: Path
) -> None:
    earlier = other.with_name("earlier.duckdb")
    change(other, f"delete from {table}")
    shutil.copyfile(other, earlier)
    change(earlier, f"drop table {table}")
    assert told(earlier, other)["equal"] is True
    change(other, f"insert into {table} select user_id, {row} from raw.users where user_id = 1")
    for one, two, said in ((earlier, other, "added"), (other, earlier, "removed")):
        found = told(one, two)
        assert (found["equal"], found["tables"][table][said]) == (False, 1)


def test_a_file_in_a_newer_storage_format_is_compared(published: Path, other: Path) -> None:
    newer = other.with_name("newer.duckdb")
    with duckdb.connect() as con:
        con.execute(f"attach '{other}' as old")
        con.execute(f"attach '{newer}' as new (storage_version 'v1.4.0')")
        con.execute("use new")
        con.execute("create schema raw")
        for table in (*COMPARED, LOADS.name):
            copy_table(con, "old", table)
    assert told(published, newer)["equal"] is True


def test_the_day_of_a_row_is_that_of_either_file(published: Path, other: Path) -> None:
    change(other, "update raw.users set signup_date = '2020-05-06' where user_id = 4")
    table = told(published, other)["tables"]["raw.users"]
    [(before,)] = query(published, "select signup_date from raw.users where user_id = 4")
    assert (table["first_day"], table["last_day"]) == ("2020-05-06", str(before))
    assert before > date(2020, 5, 6)
