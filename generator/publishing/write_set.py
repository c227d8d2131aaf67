"""The write set of a run of dbt: the tables that it wrote after it had taken their content.

A run holds the lock on the warehouse from its first statement to the end of publishing, so a table
that is not in the write set still is what the tests saw. A hook, Jinja or a model of a person's own
may write one at any time; dbt tells of each statement before it runs. What is not understood
counts as a write to every table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import duckdb

_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'
_SPACE = r"(?:\s|(?>/\*(?:(?!/\*).)*?\*/)|--[^\n]*(?:\n|$))"
"""Blanks and comments, but no comment inside a comment."""
_HEAD = re.compile(
    rf"""{_SPACE}*+(?:
        insert\s+(?:or\s+(?:replace|ignore)\s+)?into | delete\s+from | update | merge\s+into
        | truncate(?:\s+table)?+ | alter\s+(?:table|view)(?:\s+if\s+exists)?+
        | drop\s+(?:table|view)(?:\s+if\s+exists)?+
        | create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?
            (?:table|view)(?:\s+if\s+not\s+exists)?+
    )\s+(?!only\b)((?:{_NAME}\s*\.\s*)*{_NAME})(?=[\s(;]|\Z)(?!{_SPACE}*+[.,/])""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""How a statement begins that writes one table, and the whole name of the table.

`only` stands before a name, and a comment may stand inside of one: neither is understood.
"""

_HARMLESS = re.compile(
    rf"{_SPACE}*+(?:comment\s+on|create\s+schema|set\s)", re.IGNORECASE | re.DOTALL
)
"""How a statement begins that changes no row of a table."""

_NESTED = re.compile(
    rf"[()]{_SPACE}*+(?:insert|delete|update|merge|truncate)\b", re.IGNORECASE | re.DOTALL
)
"""What DuckDB 2.0 calls a select: a query of the rows that a statement inside of it wrote.

It stands behind a bracket: `with gone as (delete ...)`, `as (with old as (...) delete ...)`.
"""

_TAKEN = re.compile(r"insert into bookkeeping\.content\s+select\s+'((?:[^']|'')+)' as table_name")
_KEPT = "insert into bookkeeping.green_build"

_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.TRANSACTION)
"""Kinds of statements that write no table, unless one inside of them does."""


class Statement(NamedTuple):
    """A statement that dbt was about to execute."""

    node: str
    """The model, test or hook that it belongs to."""
    is_python: bool
    """Whether that node is Python, of which dbt does not tell what it executes."""
    sql: str


class WriteSet(NamedTuple):
    """Tables that may differ from what the tests saw."""

    names: Collection[str] | None
    """Names without schema, in lower case; None for every table."""

    def may_hold(self, table: str) -> bool:
        """Tell whether a table, given as schema.name, may differ."""
        return self.names is None or table.partition(".")[2].lower() in self.names


EVERYTHING = WriteSet(None)


def write_set(statements: Sequence[Statement]) -> WriteSet:
    """Return what a run wrote too late, given all its statements in their order."""
    taken: dict[str, int] = {}
    written: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, int] = {}
    for position, (node, is_python, sql) in enumerate(statements):
        tables = _written_by(sql)
        if is_python or tables is None:
            return EVERYTHING
        ends[node] = position
        for table in tables:
            written[table].append(position)
        for table in _TAKEN.findall(sql):
            taken.setdefault(table.replace("''", "'").partition(".")[2].lower(), position)
    if not any(_KEPT in statement.sql for statement in statements):
        return EVERYTHING  # the tests that passed were those of an earlier run

    def is_late(table: str) -> bool:
        nodes = {statements[position].node for position in written[table]}
        if table not in taken or len(nodes) > 1:  # of two nodes the order may be another one
            return True
        [node] = nodes
        is_own = statements[taken[table]].node == node
        return taken[table] <= (written[table][-1] if is_own else ends[node])

    return WriteSet({table for table in written if is_late(table)})


def _written_by(sql: str) -> set[str] | None:
    """Return the names of the tables that a text's statements write; None where it is not clear."""
    found = set()
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error:  # such as a text that dbt cut off
        return None
    for statement in statements:
        if _NESTED.search(statement.query):
            return None
        if statement.type in _READS or _HARMLESS.match(statement.query):
            continue
        head = _HEAD.match(statement.query)
        if head is None:
            return None
        name = re.findall(_NAME, head[1], re.IGNORECASE)[-1]
        found.add((name[1:-1].replace('""', '"') if name.startswith('"') else name).lower())
    return found
