"""The diagrams as Mermaid text, which GitHub draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.documentation.project import Node, Project, primary_key
from generator.documentation.references import (
    RAW_TABLES,
    Reference,
    mart_parents,
    marts,
    plain_name,
    references,
)

MOST_COLUMNS = 12
"""Columns of its own that the diagram shows of a mart."""

PAGE = """\
# Tables

`make docs` writes this page from the tables and the dbt project.

## How they hang together

A solid line is a foreign key that the database enforces. A dashed line holds by construction, and a
test of dbt checks it.

{relations}
## Columns

A mart is shown with its key and its own columns, without those that it takes from another mart.

{columns}
## Lineage

What is made from what, from the raw tables to the exposures that read the marts.

{lineage}"""


def tables_page(project: Project) -> str:
    """Return the page with all diagrams, in Markdown."""
    found = references(project)
    return PAGE.format(
        relations=_drawn("erDiagram", relations(found)),
        columns=_drawn("erDiagram", entities(project, found)),
        lineage=_drawn("flowchart LR", lineage(project)),
    )


def relations(found: Sequence[Reference]) -> list[str]:
    """Return a line for each reference: parent, how many rows of either side, child, key."""
    return [
        f"{one.parent} ||{'--' if one.is_enforced else '..'}{'o|' if one.is_unique else 'o{'}"
        f' {one.child} : "{", ".join(one.columns)}"'
        for one in found
    ]


def entities(project: Project, found: Sequence[Reference]) -> Iterator[str]:
    """Yield the tables of raw and the marts, each with the columns worth showing."""
    for table in RAW_TABLES:
        types = {column.name: column.type for column in table.columns}
        yield from _entity(plain_name(table), types, table.key_columns, found)
    for mart in marts(project):
        name, key, types = mart["name"], primary_key(mart), project.column_types(mart)
        taken = {column for parent in mart_parents(mart, project) for column in parent["columns"]}
        own = [column for column in types if column not in taken]
        more = len(own) - MOST_COLUMNS
        shown = own[:MOST_COLUMNS] if more > 1 else own
        in_key = [column for column in types if _marks(name, column, key, found)]
        lines = {column: types[column] for column in dict.fromkeys(in_key + shown)}
        yield from _entity(name, lines, key, found, more if shown != own else 0)


def lineage(project: Project) -> Iterator[str]:
    """Yield an arrow for each thing that a model or an exposure is made from."""
    for node in project.of_type("model", "exposure"):
        for parent in project.parents(node):
            yield f"{_shape(parent)} --> {_shape(node)}"


def _entity(
    name: str,
    types: dict[str, str],
    key: Sequence[str],
    found: Sequence[Reference],
    more: int = 0,
) -> Iterator[str]:
    yield f"{name} {{"
    for column, kind in types.items():
        note = f' "and {more} columns more"' if more and column == [*types][-1] else ""
        yield f"    {kind} {column} {', '.join(_marks(name, column, key, found))}".rstrip() + note
    yield "}"


def _marks(table: str, column: str, key: Sequence[str], found: Sequence[Reference]) -> list[str]:
    is_foreign = any(one.child == table and column in one.columns for one in found)
    return ["PK"] * (column in key) + ["FK"] * is_foreign


def _shape(node: Node) -> str:
    name = node["name"]
    if node["resource_type"] == "source":
        return f"{name}[(raw.{name})]"
    return f"{name}([{name}])" if node["resource_type"] == "exposure" else str(name)


def _drawn(kind: str, lines: Sequence[str] | Iterator[str]) -> str:
    return "\n".join(["```mermaid", kind, *(f"    {line}" for line in lines), "```", ""])
