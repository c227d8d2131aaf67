"""A fault in any column of any mart, or in any formula, makes a shipped data test fail.

The data tests are all that a user of the warehouse has. The faults of columns are made from the
marts' columns, so that a new column is walked as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dbt.formula_faults import OF_MACROS, OF_MODELS
from tests.dbt.judge import World
from tests.dbt.marts import MARTS, Marts
from tests.dbt.planting import Ground, with_fault, with_fault_everywhere
from tests.dbt.worlds import VARS, worlds
from tests.drawing import drawn

ANOTHER_VALUE = {
    "INTEGER": "case when {0} < max({0}) over () then {0} + 1 else {0} - 1 end",
    "DOUBLE": "{0} * 0.9999",
    "DATE": "{0} - 1",
    "VARCHAR": "case when {0} = min({0}) over () then max({0}) over () else min({0}) over () end",
}
"""By type, a value that could be true."""

COPIES = ("training_dataset", "scoring_dataset")
"""Marts that only repeat columns of others."""


@pytest.fixture(scope="module")
def ground(marts: dict[str, Marts]) -> Iterator[Ground]:
    with Ground.build(marts["defaults"]) as ground:
        yield ground


def test_without_a_fault_every_test_passes(ground: Ground) -> None:
    assert len(ground.marts.tests) > 40
    assert [test.name for test in ground.marts.tests if test.fails(ground.con)] == []


@pytest.mark.parametrize("name", VARS)
@drawn(few=5, many=20, world=worlds())
def test_no_test_fails_on_sound_marts_of_any_world(
    name: str, world: World, marts: dict[str, Marts]
) -> None:
    with marts[name].build(world) as con:
        assert [test.name for test in marts[name].tests if test.fails(con)] == []


def faults_of_column(mart: str, column: str, columns: dict[str, str]) -> dict[str, str]:
    """Return what a wrong formula would put into a column of the built mart, by its name."""
    sql_type = columns[column]
    other = ANOTHER_VALUE[sql_type].format(column)
    day = "as_of_date" if "as_of_date" in columns else "period_start"
    faults = {
        "another value": other,
        "another value on the last day": (
            f"case when {day} = max({day}) over () then {other} else {column} end"
        ),
    }
    if mart in COPIES:
        return faults
    of_this_type = [name for name in columns if columns[name] == sql_type]
    neighbour = of_this_type[of_this_type.index(column) - 1]
    by_user = "partition by user_id " if "user_id" in columns else ""
    faults |= {
        "another column": neighbour,
        "the day before": f"lag({column}, 1, {column}) over ({by_user}order by {day})",
        "the day after": f"lead({column}, 1, {column}) over ({by_user}order by {day})",
    }
    if "user_id" in columns:
        by_day = f"partition by {day} order by user_id"
        faults["another user"] = f"lag({column}, 1, {column}) over ({by_day})"
    if sql_type == "DOUBLE":
        faults |= {"cut": f"floor({column})", "zero for nothing": f"coalesce({column}, 0)"}
    return faults


OF_LONGER_WINDOWS = ("_14d", "_30d")
"""Columns that are made as one of 7 days is: only slow tests plant every fault in them."""


@pytest.mark.parametrize(
    ("mart", "is_whole"),
    [
        *((mart, False) for mart in MARTS),
        *(
            pytest.param(mart, True, marks=pytest.mark.slow)
            for mart in ("user_features_daily", *COPIES)
        ),
    ],
)
def test_a_fault_in_one_column_alone_is_caught(mart: str, is_whole: bool, ground: Ground) -> None:
    columns = ground.columns(mart)
    survivors = []
    for column in columns:
        faults = faults_of_column(mart, column, columns)
        of_a_week = f"{column.rpartition('_')[0]}_7d"
        if column.endswith(OF_LONGER_WINDOWS) and of_a_week in columns and not is_whole:
            faults = {"another value": faults["another value"]}
        tried = 0
        for fault, expression in faults.items():
            if changes(ground, mart, column, expression):
                tried += 1
                faulty = f"select * replace ({expression} as {column}) from sound.{mart}"
                if not ground.failing_test(with_fault(ground.marts, mart, faulty)):
                    survivors.append(f"{column}: {fault}")
        assert tried, f"no fault was planted in {column}"
    assert survivors == []


def changes(ground: Ground, mart: str, column: str, expression: str) -> bool:
    """Tell whether an expression is another value in some row: all users have the same signup."""
    found = ground.con.execute(
        f"""
        select coalesce(bool_or(faulty is distinct from {column}), false)
        from (select {column}, {expression} as faulty from {mart})
        """
    )
    return found.fetchone()[0]


@pytest.mark.parametrize("model", OF_MODELS)
def test_a_fault_in_a_formula_is_caught(model: str, ground: Ground) -> None:
    compiled = next(each.sql for each in ground.marts.models if each.name.endswith(f".{model}"))
    survivors = []
    for name, (right, wrong) in OF_MODELS[model].items():
        assert right in compiled, f"{model} no longer has the formula of: {name}"
        faulty = compiled.replace(right, wrong)
        if not ground.failing_test(with_fault(ground.marts, model, faulty)):
            survivors.append(name)
    assert survivors == []


@pytest.mark.parametrize("fault", OF_MACROS)
def test_a_fault_in_what_the_tests_use_as_well_is_caught(fault: str, ground: Ground) -> None:
    right, wrong = OF_MACROS[fault]
    assert any(right in model.sql for model in ground.marts.models)
    faulty = with_fault_everywhere(ground.marts, right, wrong)
    assert ground.failing_test(faulty)
