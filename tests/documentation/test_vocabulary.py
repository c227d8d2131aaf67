"""What Python and dbt both have to know, they know alike."""

from __future__ import annotations

import re

import pytest

from generator.documentation.project import Node, Project
from generator.documentation.references import marts
from generator.simulation import event_types
from generator.vocabulary import EVENT_TYPES, FIRST_DATE, HISTORY_MARTS, LAST_DATE, MARTS, PLANS
from generator.warehouse.table import Table
from generator.warehouse.tables import CONTENT_TABLES, LOG_TABLES
from tests.conftest import ROOT


def source_tests(project: Project, kind: str) -> list[Node]:
    return [
        test["test_metadata"]["kwargs"] | {"name": test["name"]}
        for test in project.of_type("test")
        if (test.get("test_metadata") or {}).get("name") == kind
        and all(parent["resource_type"] == "source" for parent in project.parents(test))
    ]


def test_the_marts_and_their_order_are_those_of_dbt(project: Project) -> None:
    assert {mart["name"] for mart in marts(project)} == {*MARTS, *HISTORY_MARTS}
    [test] = [
        node
        for node in project.of_type("test")
        if node["name"] == "no_mart_holds_a_latent_or_future_column"
    ]
    looped = dict.fromkeys(re.findall(r"'(\w+)' as table_name", test["compiled_code"]))
    assert [name for name in looped if not name.startswith("stg_")] == [*MARTS]


TYPES = {"string": "VARCHAR"}
"""Types that dbt's project calls by the name that Spark knows too."""


@pytest.mark.parametrize("table", [*CONTENT_TABLES, *LOG_TABLES], ids=lambda table: table.name)
def test_a_raw_table_is_described_in_the_same_words(table: Table, project: Project) -> None:
    [source] = [
        node
        for node in project.of_type("source")
        if f"{node['schema']}.{node['name']}" == table.name
    ]
    assert source["description"].strip() == table.comment
    described = [
        (column["name"], TYPES.get(column["data_type"], column["data_type"].upper()), text)
        for column in source["columns"].values()
        for text in [column["description"].strip()]
    ]
    assert described == [(column.name, column.type, column.comment) for column in table.columns]


def test_the_event_types_and_plans_are_those_of_dbt(project: Project) -> None:
    accepted = {
        test["column_name"]: test["values"] for test in source_tests(project, "accepted_values")
    }
    assert accepted["event_type"] == [*EVENT_TYPES]
    assert accepted["plan"] == [*PLANS]
    macro = (ROOT / "dbt_project/macros/validate_vars.sql").read_text()
    known = macro.split("set known = [")[1].split("]")[0]
    assert re.findall(r"'(\w+)'", known) == [*EVENT_TYPES]


def test_the_date_bounds_are_those_of_dbt(project: Project) -> None:
    bounds = {
        test["name"]: re.findall(r"date '([^']+)'", test["expression"])
        for test in source_tests(project, "expression_is_true")
        if test["name"].endswith("_in_range")
    }
    assert set(bounds) >= {"raw_users_signup_date_in_range", "raw_events_event_date_in_range"}
    assert all(found == [str(FIRST_DATE), str(LAST_DATE)] for found in bounds.values())


def test_every_event_type_has_its_code_in_the_simulation() -> None:
    codes = [getattr(event_types, name.upper()) for name in EVENT_TYPES]
    assert codes == list(range(len(EVENT_TYPES)))
