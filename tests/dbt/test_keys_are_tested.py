"""Every key of the description has dbt tests beside it, since not every engine enforces keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

KEYS = {
    "source.elearn_churn.raw.users": ["user_id"],
    "source.elearn_churn.raw.user_changes": ["user_id", "valid_from"],
    "source.elearn_churn.raw.events": ["event_id"],
    "source.elearn_churn.raw.loads": ["load_id"],
    "model.elearn_churn.user_daily": ["user_id", "as_of_date"],
    "model.elearn_churn.user_features_daily": ["user_id", "as_of_date"],
    "model.elearn_churn.churn_labels": ["user_id", "as_of_date"],
    "model.elearn_churn.training_dataset": ["user_id", "as_of_date"],
    "model.elearn_churn.training_splits": ["as_of_date"],
    "model.elearn_churn.scoring_dataset": ["user_id"],
    "model.elearn_churn.activity_periods": ["user_id", "period_number"],
    "model.elearn_churn.load_profile": ["load_id", "table_name", "column_name"],
}
REFERENCES = {
    "source.elearn_churn.raw.user_changes": "user_id",
    "source.elearn_churn.raw.events": "user_id",
    "model.elearn_churn.user_daily": "user_id",
    "model.elearn_churn.churn_labels": "user_id",
    "model.elearn_churn.training_dataset": "user_id",
    "model.elearn_churn.training_splits": "as_of_date",
    "model.elearn_churn.scoring_dataset": "user_id",
    "model.elearn_churn.activity_periods": "user_id",
    "model.elearn_churn.load_profile": "load_id",
}


@pytest.fixture(scope="module")
def data_tests(documentation: Path) -> dict[str, list[dict]]:
    manifest = json.loads((documentation / "target/manifest.json").read_text())
    found: dict[str, list[dict]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node.get("test_metadata"):
            attached = node.get("attached_node") or node["sources"][-1]
            if isinstance(attached, list):
                attached = f"source.elearn_churn.{attached[0]}.{attached[1]}"
            found.setdefault(attached, []).append(node)
    return found


def covered_columns(nodes: list[dict], name: str) -> set[str]:
    return {node["column_name"] for node in nodes if node["test_metadata"]["name"] == name}


@pytest.mark.parametrize("table", KEYS)
def test_a_primary_key_is_tested_to_be_unique_and_there(
    table: str, data_tests: dict[str, list[dict]]
) -> None:
    key, nodes = KEYS[table], data_tests[table]
    assert set(key) <= covered_columns(nodes, "not_null")
    if len(key) == 1:
        assert set(key) <= covered_columns(nodes, "unique")
    else:
        combinations = [
            list(node["test_metadata"]["kwargs"].values())
            for node in nodes
            if node["test_metadata"]["name"] == "unique_combination"
        ]
        assert any(key in arguments for arguments in combinations)


@pytest.mark.parametrize("table", REFERENCES)
def test_a_reference_is_tested(table: str, data_tests: dict[str, list[dict]]) -> None:
    assert REFERENCES[table] in covered_columns(data_tests[table], "relationships")
