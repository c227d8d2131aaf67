"""How the tables hang together: by keys that the database enforces, and by what dbt tests."""

from __future__ import annotations

from dataclasses import dataclass

from generator.documentation.project import Node, Project, primary_key
from generator.warehouse.table import Table
from generator.warehouse.tables import CONTENT_TABLES, LOG_TABLES

RAW_TABLES = (*CONTENT_TABLES, *LOG_TABLES)


@dataclass(frozen=True)
class Reference:
    """A child table whose rows belong to rows of a parent table."""

    child: str
    parent: str
    columns: tuple[str, ...]
    """The key; both tables have these columns."""
    is_unique: bool
    """Whether a row of the parent has one row of the child at most, instead of any number."""
    is_enforced: bool
    """Whether the database enforces it, instead of a dbt test."""


def references(project: Project) -> list[Reference]:
    """Return how the tables hang together."""
    raw = [found for table in RAW_TABLES for found in _foreign_keys(table)]
    known = {(reference.child, reference.parent) for reference in raw}
    raw += [
        found for found in _tested_references(project) if (found.child, found.parent) not in known
    ]
    return raw + [found for mart in marts(project) for found in _mart_references(mart, project)]


def marts(project: Project) -> list[Node]:
    """Return the models in the folder of the marts, by their names."""
    return [model for model in project.of_type("model") if "marts" in model["fqn"]]


def mart_parents(mart: Node, project: Project) -> list[Node]:
    """Return the marts that a mart is made from."""
    return [parent for parent in project.parents(mart) if parent in marts(project)]


def plain_name(table: Table) -> str:
    """Return the name of a table of raw without its schema."""
    return table.name.removeprefix("raw.")


def _foreign_keys(table: Table) -> list[Reference]:
    return [
        Reference(
            child=plain_name(table),
            parent=column.references.split()[0].removeprefix("raw."),
            columns=(column.name,),
            is_unique=[column.name] == table.key_columns,
            is_enforced=True,
        )
        for column in table.columns
        if column.references
    ]


def _tested_references(project: Project) -> list[Reference]:
    """Return the references to raw that dbt tests: of raw tables, and of marts without others."""
    found = []
    for test in project.of_type("test"):
        if (test.get("test_metadata") or {}).get("name") != "relationships":
            continue
        parent, child = project.parents(test)
        raw_parent = next(iter(project.parents(parent)), parent)
        is_of_raw = child["resource_type"] == parent["resource_type"] == "source"
        if is_of_raw or (child in marts(project) and not _mart_references(child, project)):
            column = test["column_name"]
            is_unique = not is_of_raw and primary_key(child) == [column]
            found.append(Reference(child["name"], raw_parent["name"], (column,), is_unique, False))
    return found


def _mart_references(mart: Node, project: Project) -> list[Reference]:
    """Return the references between a mart and those that it is made from, by their keys.

    A mart that has the whole key of its parent belongs to the parent's rows; one whose key is a
    part of the parent's, such as the days of user-days, is what the parent's rows belong to. A
    parent that another parent is made from is left out: its rows are reached through that one.
    """
    found = []
    parents = mart_parents(mart, project)
    further = [found for parent in parents for found in mart_parents(parent, project)]
    for parent in [parent for parent in parents if parent not in further]:
        ours, theirs = primary_key(mart), primary_key(parent)
        if set(theirs) <= set(mart["columns"]):
            found.append(Reference(mart["name"], parent["name"], tuple(theirs), True, False))
        elif set(ours) <= set(parent["columns"]):
            found.append(Reference(parent["name"], mart["name"], tuple(ours), False, False))
    return found
