"""The analyses as a page of queries to paste, each with its question and a sample of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from generator.documentation.project import Node, Project
from generator.warehouse.file import Connection, last_load

SAMPLE_ROWS = 15

INTRODUCTION = """\
# Ready questions

Paste a query into the DuckDB command line: `duckdb -readonly published/elearn.duckdb`. Below each
query is its answer for the data set of a plain `elearn build`, `{dataset_version}` ({first_day} to
{last_day}).

The query about the experiment needs users in groups. So the users of this page were randomised, but
nobody was treated (`--treatment-ratio 0.5 --treatment-lift 0`). That changes neither the events nor
the dataset version, and there is no effect to find.

`make docs` writes this page from `dbt_project/analyses/`, with the defaults of dbt's variables.
"""


@dataclass(frozen=True)
class Query:
    """One analysis, ready to paste."""

    name: str
    question: str
    explanation: str
    sql: str
    """Statements for a warehouse file of any name, each ended by a semicolon."""


def read_queries(project: Project) -> list[Query]:
    """Return the analyses as dbt compiled them."""
    return [_query(analysis, project) for analysis in project.of_type("analysis")]


def _query(analysis: Node, project: Project) -> Query:
    """Split an analysis into the comment that it starts with and its statements.

    dbt quotes the names of schemas and tables; these need no quotes.
    """
    lines = analysis["compiled_code"].strip().splitlines()
    size = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    question, *explanation = [line.removeprefix("--").strip() for line in lines[:size]]
    sql = "\n".join(lines[size:]).strip() + ";"
    for parent in project.parents(analysis):
        name = parent.get("identifier") or parent["name"]
        schema = parent["schema"]
        sql = sql.replace(f'"{schema}"."{name}"', f"{schema}.{name}")
    return Query(analysis["name"], question, " ".join(explanation), sql)


def queries_page(queries: Sequence[Query], con: Connection) -> str:
    """Return the page in Markdown, with the rows that a warehouse gives."""
    load = last_load(con)
    assert load is not None
    contents = [f"- [{query.question}](#{_anchor(query.question)})" for query in queries]
    sections = [_section(query, con) for query in queries]
    return "\n".join([INTRODUCTION.format_map(load), *contents, "", "\n".join(sections)])


def _section(query: Query, con: Connection) -> str:
    found = con.execute(query.sql)
    header = [name for name, *_ in found.description]
    rows = found.fetchall()
    parts = [f"## {query.question}", query.explanation, f"```sql\n{query.sql}\n```"]
    parts.append(_table(header, rows[:SAMPLE_ROWS]))
    if len(rows) > SAMPLE_ROWS:
        parts.append(f"The first {SAMPLE_ROWS} of {len(rows)} rows.")
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    rule = ["---:" if _is_number(values) else "---" for values in zip(*rows, strict=True)]
    lines = [header, rule, *([_text(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _is_number(values: Sequence[Any]) -> bool:
    numbers = (int, float, Decimal)
    return all(
        value is None or (isinstance(value, numbers) and not isinstance(value, bool))
        for value in values
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).replace("|", "\\|")


def _anchor(heading: str) -> str:
    """Return the name that GitHub gives to a heading."""
    kept = [letter for letter in heading.lower() if letter.isalnum() or letter in " -_"]
    return "".join(kept).replace(" ", "-")
