"""What is committed is what ``make docs`` writes, and shows what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.documentation.diagrams import relations
from generator.documentation.project import Project
from generator.documentation.references import RAW_TABLES, references
from tests.conftest import ROOT
from tests.dbt.marts import MARTS


@pytest.mark.parametrize("name", ["queries.md", "tables.md"])
def test_what_is_committed_is_what_make_docs_writes(name: str, documentation: Path) -> None:
    written = (documentation / "docs" / name).read_bytes()
    assert (ROOT / "docs" / name).read_bytes() == written, "run `make docs`"


def drawn(heading: str) -> str:
    """The diagram under a heading of docs/tables.md."""
    page = (ROOT / "docs" / "tables.md").read_text()
    return page.split(f"## {heading}\n")[1].split("```")[1]


def test_the_diagram_shows_every_table_and_every_raw_column() -> None:
    shown = drawn("Columns")
    for table in RAW_TABLES:
        [entity] = re.findall(rf"\b{table.name.removeprefix('raw.')} {{(.+?)}}", shown, re.DOTALL)
        lines = [line.split()[:2] for line in entity.strip().splitlines()]
        assert lines == [[column.type, column.name] for column in table.columns]
    assert all(f" {mart} {{" in shown for mart in MARTS)


def test_a_mart_is_drawn_with_its_whole_key_and_what_is_left_out_is_counted() -> None:
    [entity] = re.findall(r"scoring_dataset {(.+?)}", drawn("Columns"), re.DOTALL)
    assert entity.split() == ["INTEGER", "user_id", "PK,", "FK", "DATE", "as_of_date", "FK"]
    [features] = re.findall(r"user_features_daily {(.+?)}", drawn("Columns"), re.DOTALL)
    assert features.count("\n") - 3 + int(re.findall(r"and (\d+) columns", features)[0]) == 32


@pytest.mark.parametrize("page", ["README.md", "docs/tables.md", "dbt_project/docs/overview.md"])
def test_a_page_draws_the_references_that_hold(page: str, project: Project) -> None:
    lines = (ROOT / page).read_text().splitlines()
    shown = {line.strip() for line in lines if re.search(r" \|\|(--|\.\.)o[|{] ", line)}
    assert shown == set(relations(references(project))), "run `make docs`, and copy its lines"


def test_the_references_are_those_of_keys_and_tests(project: Project) -> None:
    found = {(r.child, r.columns, r.parent): r.is_unique for r in references(project)}
    key = ("user_id", "as_of_date")
    assert found == {
        ("events", ("user_id",), "users"): False,
        ("user_changes", ("user_id",), "users"): False,
        ("experiment_assignments", ("user_id",), "users"): True,
        ("load_profile", ("load_id",), "loads"): False,
        ("user_daily", ("user_id",), "users"): False,
        ("activity_periods", ("user_id",), "users"): False,
        ("user_features_daily", key, "user_daily"): True,
        ("churn_labels", key, "user_daily"): True,
        ("churn_labels", ("as_of_date",), "training_splits"): False,
        ("training_dataset", key, "user_features_daily"): True,
        ("training_dataset", key, "churn_labels"): True,
        ("scoring_dataset", key, "user_features_daily"): True,
    }


def test_the_lineage_shows_every_model_and_every_exposure(project: Project) -> None:
    shown = drawn("Lineage")
    for node in project.of_type("model", "exposure"):
        assert re.search(rf"--> {node['name']}\b", shown)


def test_exposures_depend_on_marts_alone(project: Project) -> None:
    exposures = {
        node["name"]: {parent["name"] for parent in project.parents(node)}
        for node in project.of_type("exposure")
    }
    assert exposures["churn_training_job"] == {"training_dataset", "training_splits"}
    assert exposures["churn_scoring_job"] == {"scoring_dataset"}
    assert exposures["churn_dashboard"] <= set(MARTS)


def test_dbts_page_is_one_file_with_overview_and_models(
    documentation: Path, project: Project
) -> None:
    page = (documentation / "target" / "index.html").read_text()
    assert "# Churn warehouse" in page
    for node in project.of_type("model", "exposure", "analysis", "source"):
        assert f'"{node["unique_id"]}"' in page
    loads = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](?:https?:)?//", page)
    assert loads == []
