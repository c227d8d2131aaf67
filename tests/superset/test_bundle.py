"""The files of the dashboard, without a Superset."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.superset.judge import AT_RISK
from tests.superset.server import read_bundle


def test_the_database_is_opened_for_reading_alone() -> None:
    [database] = read_bundle("databases")
    _, options = database["sqlalchemy_uri"].split("?")
    assert options == "access_mode=read_only&enable_external_access=false"
    assert not any(allowed for name, allowed in database.items() if name.startswith("allow_"))


def test_the_users_at_risk_are_those_of_the_ready_query() -> None:
    [dataset] = [each for each in read_bundle("datasets") if each["table_name"] == "users_at_risk"]
    assert dataset["sql"].strip() == AT_RISK


def test_the_exposure_of_the_dashboard_names_what_it_shows() -> None:
    text = (ROOT / "dbt_project/models/marts/_exposures.yml").read_text()
    [exposure] = [
        each for each in yaml.safe_load(text)["exposures"] if each["name"] == "churn_dashboard"
    ]
    refs = {ref.removeprefix("ref('").removesuffix("')") for ref in exposure["depends_on"]}
    shown = {
        table
        for dataset in read_bundle("datasets")
        for table in re.findall(r"main\.(\w+)", dataset["sql"] or f"main.{dataset['table_name']}")
    }
    assert refs == shown - {"build_info"}  # which is no model


@pytest.mark.parametrize("folder", ["databases", "datasets", "charts"])
def test_no_file_keeps_results(folder: str) -> None:
    assert all(each["cache_timeout"] is None for each in read_bundle(folder))
