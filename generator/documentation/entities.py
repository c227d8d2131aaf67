"""The tables as entities and references: raw from its schema, the marts from the dbt project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.documentation.project import Node, Project, primary_key
from generator.warehouse.tables import CONTENT_TABLES, LOG_TABLES, Table

MOST_OWN_COLUMNS = 20
"""A mart with more columns of its own shows the first and the last of them."""
SHOWN_AHEAD = 9

RAW_TABLES = tuple(
    table for table in (*CONTENT_TABLES, *LOG_TABLES) if table.name.startswith("raw.")
)


@dataclass(frozen=True)
class Column:
    """A line of an entity: a column, or several that are named together."""

    name: str
    type: str = ""
    mark: str = ""
    """PK, FK or both, for a column of a key."""


@dataclass(frozen=True)
class Entity:
    """One table."""

    name: str
    schema: str
    columns: tuple[Column, ...]


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
    tested = _tested_references(project)
    known = {(reference.child, reference.parent) for reference in raw}
    raw += [found for found in tested if (found.child, found.parent) not in known]
    return raw + [found for mart in marts(project) for found in _mart_references(mart, project)]


def entities(project: Project, found: Iterable[Reference]) -> list[Entity]:
    """Return the tables of raw and the marts, each with the columns worth showing."""
    foreign = {(reference.child, name) for reference in found for name in reference.columns}
    raw = [_raw_entity(table, foreign) for table in RAW_TABLES]
    return raw + [_mart_entity(mart, project, foreign) for mart in marts(project)]


def marts(project: Project) -> list[Node]:
    """Return the models in the folder of the marts, by their names."""
    return [model for model in project.of_type("model") if "marts" in model["fqn"]]


def mart_parents(mart: Node, project: Project) -> list[Node]:
    """Return the marts that a mart is made from."""
    return [parent for parent in project.parents(mart) if parent in marts(project)]


def _foreign_keys(table: Table) -> list[Reference]:
    return [
        Reference(
            child=_name(table),
            parent=column.references.split()[0].removeprefix("raw."),
            columns=(column.name,),
            is_unique=column.name == table.key,
            is_enforced=True,
        )
        for column in table.columns
        if column.references
    ]


def _tested_references(project: Project) -> list[Reference]:
    """Return the references to raw that dbt tests: of raw tables, and of marts made from none."""
    found = []
    for test in project.of_type("test"):
        if (test.get("test_metadata") or {}).get("name") != "relationships":
            continue
        parent, child = project.parents(test)
        raw_parent = next(iter(project.parents(parent)), parent)
        is_of_raw = child["resource_type"] == parent["resource_type"] == "source"
        if is_of_raw or (child in marts(project) and not mart_parents(child, project)):
            column = test["column_name"]
            is_unique = not is_of_raw and primary_key(child) == [column]
            found.append(Reference(child["name"], raw_parent["name"], (column,), is_unique, False))
    return found


def _mart_references(mart: Node, project: Project) -> list[Reference]:
    """Return the references between a mart and those that it is made from, by their keys.

    A mart that has the whole key of its parent belongs to the parent's rows; one whose key is a
    part of the parent's, such as the days of user-days, is what the parent's rows belong to.
    """
    found = []
    for parent in mart_parents(mart, project):
        ours, theirs = primary_key(mart), primary_key(parent)
        if set(theirs) <= set(mart["columns"]):
            found.append(Reference(mart["name"], parent["name"], tuple(theirs), True, False))
        elif set(ours) <= set(parent["columns"]):
            found.append(Reference(parent["name"], mart["name"], tuple(ours), False, False))
    return found


def _raw_entity(table: Table, foreign: set[tuple[str, str]]) -> Entity:
    columns = [
        Column(column.name, column.type, _mark(_name(table), column.name, [table.key], foreign))
        for column in table.columns
    ]
    return Entity(_name(table), "raw", tuple(columns))


def _mart_entity(mart: Node, project: Project, foreign: set[tuple[str, str]]) -> Entity:
    key, types = primary_key(mart), project.column_types(mart)
    marks = {name: _mark(mart["name"], name, key, foreign) for name in types}
    columns = [Column(name, types[name], mark) for name, mark in marks.items() if mark]
    rest = [name for name, mark in marks.items() if not mark]
    for parent in mart_parents(mart, project):
        taken = [name for name in rest if name in parent["columns"]]
        rest = [name for name in rest if name not in taken]
        if len(taken) > 1:
            columns.append(Column(f"{len(taken)} columns of {parent['name']}"))
        else:
            columns += [Column(name, types[name]) for name in taken]
    return Entity(mart["name"], "main", (*columns, *_shortened(rest, types)))


def _shortened(names: Sequence[str], types: dict[str, str]) -> list[Column]:
    columns = [Column(name, types[name]) for name in names]
    if len(columns) <= MOST_OWN_COLUMNS:
        return columns
    left_out = Column(f"{len(columns) - SHOWN_AHEAD - 1} columns more")
    return [*columns[:SHOWN_AHEAD], left_out, columns[-1]]


def _mark(table: str, column: str, key: Sequence[str], foreign: set[tuple[str, str]]) -> str:
    marks = ["PK"] * (column in key) + ["FK"] * ((table, column) in foreign)
    return " ".join(marks)


def _name(table: Table) -> str:
    return table.name.removeprefix("raw.")
