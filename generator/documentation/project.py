"""The dbt project as dbt's own artifacts describe it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Node = dict[str, Any]


@dataclass(frozen=True)
class Project:
    """Manifest and catalog of one ``dbt docs generate``."""

    nodes: dict[str, Node]
    """Models, analyses, tests, sources and exposures by their unique_id."""
    catalog: dict[str, Node]
    """Tables and views with their columns as the database has them, by unique_id."""

    @classmethod
    def read(cls, target: Path) -> Project:
        """Read what dbt wrote into its target folder."""
        manifest = json.loads((target / "manifest.json").read_text())
        catalog = json.loads((target / "catalog.json").read_text())
        return cls(
            {**manifest["nodes"], **manifest["sources"], **manifest["exposures"]},
            {**catalog["nodes"], **catalog["sources"]},
        )

    def of_type(self, *types: str) -> list[Node]:
        """Return the nodes of the given resource types, by their names."""
        found = [node for node in self.nodes.values() if node["resource_type"] in types]
        return sorted(found, key=lambda node: (node["resource_type"], node["name"]))

    def parents(self, node: Node) -> list[Node]:
        """Return what a node is made from, in the order in which dbt lists it."""
        ids: Iterable[str] = node.get("depends_on", {}).get("nodes", [])
        return [self.nodes[unique_id] for unique_id in ids]

    def column_types(self, node: Node) -> dict[str, str]:
        """Return names and types of the columns of a table, in their order."""
        columns = self.catalog[node["unique_id"]]["columns"].values()
        ordered = sorted(columns, key=lambda column: column["index"])
        return {column["name"]: column["type"] for column in ordered}


def primary_key(node: Node) -> list[str]:
    """Return the columns of a model's primary key, as its contract says."""
    return [
        column
        for constraint in node["constraints"]
        if constraint["type"] == "primary_key"
        for column in constraint["columns"]
    ]
