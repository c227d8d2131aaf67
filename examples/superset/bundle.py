"""Moves the dashboard between the YAML files of ``bundle/`` and a Superset on this machine.

Runs in Superset's own environment, in the folder that holds ``published/elearn.duckdb``::

    python examples/superset/bundle.py serve   # what `make superset` runs
    python examples/superset/bundle.py save    # writes what was changed in the browser to the files
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import yaml

HERE = Path(__file__).resolve().parent
BUNDLE = HERE / "bundle"
PUBLISHED = Path("published/elearn.duckdb")
DASHBOARD = "churn"
USER = "admin"
HOST = "127.0.0.1"

COMMENTS = """
    select table_name, column_name, comment from duckdb_columns()
    where schema_name = 'main' and not internal
"""


@contextmanager
def superset() -> Iterator[Any]:
    """Superset in this process, its tables up to date, used by its administrator."""
    os.environ.setdefault("SUPERSET_CONFIG_PATH", str(HERE / "superset_config.py"))
    from flask import g
    from superset.app import create_app

    app = create_app()
    with app.app_context(), app.test_request_context():
        set_up(app)
        g.user = app.appbuilder.sm.find_user(USER)
        yield app


def set_up(app: Any) -> None:
    """Create or upgrade Superset's own tables, and once its roles and the one user."""
    from flask_migrate import upgrade

    upgrade(directory=str(Path(sys.modules["superset"].__file__).parent / "migrations"))
    security = app.appbuilder.sm
    if security.find_user(USER) is None:
        app.appbuilder.add_permissions(update_perms=True)
        security.sync_role_definitions()
        roles = [security.find_role("Admin")]
        security.add_user(USER, "", USER, f"{USER}@localhost", roles, app.config["PASSWORD"])


def files() -> dict[str, str]:
    """Return the text of each file of the bundle by its path."""
    return {
        path.relative_to(BUNDLE).as_posix(): path.read_text()
        for path in sorted(BUNDLE.rglob("*.yaml"))
    }


def load() -> None:
    """Import the bundle over an earlier one; what else stands in Superset stays."""
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    # Importing a dashboard leaves charts and datasets alone that are there; this overwrites them.
    contents = files()
    contents["metadata.yaml"] = contents["metadata.yaml"].replace("Dashboard", "assets")
    ImportAssetsCommand(contents).run()


def describe(datasets: list[Any]) -> None:
    """Take columns, types and descriptions of the datasets from the published file."""
    with duckdb.connect(str(PUBLISHED), read_only=True) as con:
        comments = {tuple(names): comment for *names, comment in con.sql(COMMENTS).fetchall()}
        tables = dict(con.sql("select table_name, comment from duckdb_tables()").fetchall())
    for dataset in datasets:
        dataset.fetch_metadata()  # reads the comments too
        if not dataset.sql:
            dataset.description = tables[dataset.table_name]
            continue
        for column in dataset.columns:
            for table in re.findall(r"main\.(\w+)", dataset.sql):
                column.description = comments.get((table, column.column_name), column.description)


def in_order(text: str) -> str:
    """Return a dataset with columns and metrics by name; Superset exports them in any order."""
    content = yaml.safe_load(text)
    for part in ("columns", "metrics"):
        content.get(part, []).sort(key=lambda each: next(iter(each.values())))
    return yaml.safe_dump(content, sort_keys=False)


def save() -> None:
    """Write the bundle anew, as Superset exports it."""
    from superset import db
    from superset.commands.dashboard.export import ExportDashboardsCommand
    from superset.models.dashboard import Dashboard

    dashboard = db.session.query(Dashboard).filter_by(slug=DASHBOARD).one()
    describe([chart.datasource for chart in dashboard.slices])
    db.session.commit()
    exported = {name: text() for name, text in ExportDashboardsCommand([dashboard.id]).run()}
    del exported["metadata.yaml"]  # which changes by its time alone
    for name in files().keys() - {"metadata.yaml"}:
        (BUNDLE / name).unlink()
    for name, text in exported.items():
        path = BUNDLE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(in_order(text))


def serve(port: int) -> None:
    """Import the bundle and become Superset's server."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind((HOST, port))
    with superset() as app:
        load()
        password = app.config["PASSWORD"]
    print(f"http://{HOST}:{port}/superset/dashboard/{DASHBOARD}/", flush=True)
    print(f"user {USER}, password {password}; Ctrl+C ends Superset", flush=True)
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    options = ("--bind", f"{HOST}:{port}", "--threads", "8", "--log-level", "warning")
    os.execv(gunicorn, [gunicorn, *options, "superset.app:create_app()"])


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["serve", "save"])
    parser.add_argument("--port", type=int, default=8088)
    arguments = parser.parse_args()
    if not PUBLISHED.exists():
        parser.error(f"{PUBLISHED} is not there: run `elearn build`, and this in the same folder")
    if arguments.command == "serve":
        serve(arguments.port)
    with superset():
        save()


if __name__ == "__main__":
    main()
