"""From an example warehouse to the pages."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

from generator.documentation.diagrams import tables_page
from generator.documentation.project import Project
from generator.documentation.queries import queries_page, read_queries
from generator.errors import ElearnError
from generator.publishing.project import project_folder
from generator.settings import Settings
from generator.sinks.warehouse import generate_warehouse

EXAMPLE = Settings(treatment_ratio=0.5)
"""The default data set, to the version: without a lift, being treated changes nothing."""


def write_documentation(docs: Path, target: Path) -> list[Path]:
    """Write the pages, and return where they are.

    Parameters
    ----------
    docs
        Folder for what is kept: queries.md and tables.md.
    target
        Folder for dbt's artifacts, the example warehouse and dbt's page.

    Raises
    ------
    ElearnError
        dbt failed; the error holds what it said.
    """
    target.mkdir(parents=True, exist_ok=True)
    warehouse = target / "example.duckdb"
    generate_warehouse(warehouse, EXAMPLE, workers=1)
    _dbt(warehouse, target, "run")
    _dbt(warehouse, target, "docs", "generate", "--static")
    project = Project.read(target)
    kept = {
        docs / "queries.md": _queries_page(project, warehouse),
        docs / "tables.md": tables_page(project),
    }
    for path, content in kept.items():
        path.write_text(content, encoding="utf-8")
    page = target / "index.html"
    return [*kept, (target / "static_index.html").replace(page)]


def _queries_page(project: Project, warehouse: Path) -> str:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return queries_page(read_queries(project), con)


def _dbt(warehouse: Path, target: Path, *arguments: str) -> None:
    """Run dbt in this process, where the second run need not parse what the first one did."""
    folder = str(project_folder())
    places = ["--project-dir", folder, "--profiles-dir", folder]
    places += ["--target-path", str(target.resolve())]
    os.environ["ELEARN_WAREHOUSE"] = str(warehouse.resolve())
    with redirect_stdout(StringIO()) as said:
        done = dbtRunner().invoke(["--quiet", "--no-use-colors", *arguments, *places])
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    reset_adapters()  # type: ignore[no-untyped-call]
    if not done.success:
        reason = said.getvalue().strip() or done.exception
        raise ElearnError(f"dbt {' '.join(arguments)} failed: {reason}")
