"""What is committed is what ``make docs`` writes, and shows what there is."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from generator.documentation.entities import RAW_TABLES, references
from generator.documentation.project import Project
from tests.conftest import ROOT
from tests.dbt.marts import MARTS


@pytest.mark.parametrize("name", ["queries.md", "erd.svg", "lineage.svg"])
def test_what_is_committed_is_what_make_docs_writes(name: str, documentation: Path) -> None:
    written = (documentation / "docs" / name).read_bytes()
    assert (ROOT / "docs" / name).read_bytes() == written, "run `make docs`"


@pytest.fixture(scope="module")
def project(documentation: Path) -> Project:
    return Project.read(documentation / "target")


def texts(picture: Path) -> list[str]:
    """The texts of a drawing, which has to be well-formed XML."""
    tag = "{http://www.w3.org/2000/svg}text"
    return [found.text or "" for found in ElementTree.parse(picture).iter(tag)]


def test_the_diagram_shows_every_table_and_every_raw_column() -> None:
    shown = texts(ROOT / "docs" / "erd.svg")
    for table in RAW_TABLES:
        assert table.name.removeprefix("raw.") in shown
        assert set(table.column_names) <= set(shown)
    assert set(MARTS) <= set(shown)


def test_the_diagram_draws_the_references_that_hold(project: Project) -> None:
    found = {(r.child, r.columns, r.parent): r.is_unique for r in references(project)}
    key = ("user_id", "as_of_date")
    assert found == {
        ("events", ("user_id",), "users"): False,
        ("experiment_assignments", ("user_id",), "users"): True,
        ("rejected_rows", ("load_id",), "loads"): False,
        ("user_daily", ("user_id",), "users"): False,
        ("user_features_daily", key, "user_daily"): True,
        ("churn_labels", key, "user_daily"): True,
        ("churn_labels", ("as_of_date",), "training_splits"): False,
        ("training_dataset", key, "user_features_daily"): True,
        ("training_dataset", key, "churn_labels"): True,
        ("scoring_dataset", key, "user_features_daily"): True,
    }


def test_the_lineage_shows_every_model_and_every_exposure(project: Project) -> None:
    shown = texts(ROOT / "docs" / "lineage.svg")
    for node in project.of_type("model", "exposure"):
        assert node["name"] in shown


def test_exposures_depend_on_marts_alone(project: Project) -> None:
    exposures = {
        node["name"]: {parent["name"] for parent in project.parents(node)}
        for node in project.of_type("exposure")
    }
    assert exposures["churn_training_job"] == {"training_dataset", "training_splits"}
    assert exposures["churn_scoring_job"] == {"scoring_dataset"}
    assert exposures["churn_dashboard"] <= set(MARTS)


def test_dbts_page_is_one_file_with_overview_pictures_and_models(
    documentation: Path, project: Project
) -> None:
    page = (documentation / "target" / "index.html").read_text()
    pictures = re.findall(r"!\[[^]]+\]\(([^)]{0,30})", page)
    assert [start for start in pictures if start.startswith("data:image/svg+xml;base64,")] == (
        ["data:image/svg+xml;base64,PHN2"] * 2
    )
    assert "](docs/" not in page
    assert "# Churn warehouse" in page
    for node in project.of_type("model", "exposure", "analysis", "source"):
        assert f'"{node["unique_id"]}"' in page
    loads = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](?:https?:)?//", page)
    assert loads == []
