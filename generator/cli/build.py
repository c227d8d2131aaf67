"""The main job, its last step alone, and the project that it builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from generator.cli.console import Voice
from generator.cli.fill import simulate
from generator.cli.options import (
    DEFAULT_PUBLISHED,
    DEFAULT_WAREHOUSE,
    AllTests,
    Generate,
    Json,
    MemoryLimit,
    Profile,
    Published,
    Quiet,
    Replace,
    Through,
    Warehouse,
    Workers,
    checked_memory_limit,
    with_settings,
)
from generator.errors import UsageError
from generator.settings import Settings

app = typer.Typer()


@app.command(epilog="Example: elearn build --n-users 5000 --published public/elearn.duckdb")
@with_settings
def build(
    settings: Settings,
    through: Through = None,
    replace: Replace = False,
    generate: Generate = True,
    all_tests: AllTests = False,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    published: Published = DEFAULT_PUBLISHED,
    workers: Workers = None,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Simulate, build and test every model, then publish: the main job."""
    from generator.publishing import dbt
    from generator.publishing.project import project_folder
    from generator.publishing.publish import check_published, publish_from
    from generator.warehouse import summary
    from generator.warehouse.file import check_unlocked
    from generator.warehouse.moving_over import move_over
    from generator.warehouse.private import read_private

    voice = Voice(quiet, json, profile)
    limit = checked_memory_limit(memory_limit)
    project_folder()  # no project, nothing to build: say so before simulating
    check_published(warehouse, published)
    if generate:
        simulate(settings, through, replace, warehouse, voice, workers, limit)
    elif settings != Settings() or through is not None or replace:
        raise UsageError("--no-generate keeps the data; leave out the settings of a simulation")
    move_over(warehouse, limit, voice)
    check_unlocked(warehouse)
    with voice.step("dbt build", total=1):
        built = dbt.dbt_build(warehouse, voice, limit, all_tests=all_tests)
        voice.details.update(built.seconds)
    with voice.step("publish", total=1), built.opened(warehouse, limit) as (con, written):
        done = publish_from(con, warehouse, published, voice, written)
        with read_private(con, warehouse, limit) as private:
            found = summary.summarise(con, warehouse, private, is_built=True)
    voice.result(
        [done.tests_line, *summary.as_lines(found, published)],
        found.as_dict()
        | {"tests_passed": done.build.tests_passed, "tests_warned": done.build.tests_warned}
        | {"published": done.path},
    )


@app.command(epilog="Example: dbt build && elearn publish")
def publish(
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    published: Published = DEFAULT_PUBLISHED,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Put a read-only copy of what passed all tests in place for its consumers."""
    from generator.publishing.publish import publish_warehouse

    voice, limit = Voice(quiet, json, profile), checked_memory_limit(memory_limit)
    with voice.step("publish", total=1):
        done = publish_warehouse(warehouse, published, memory_limit=limit, reporter=voice)
    voice.result(done.as_lines(), done.as_dict())


@app.command(epilog="Example: elearn init churn && cd churn && elearn build")
def init(
    folder: Annotated[Path, typer.Argument(help="An empty folder, or one to make.", metavar="DIR")],
    json: Json = False,
) -> None:
    """Lay the dbt project out in a folder, to change it; elearn build uses it there."""
    from generator.publishing.project import PARTS, init_project

    init_project(folder)
    lines = [f"{'dbt project':<28}{folder}"]
    Voice(as_json=json).result(lines, {"project": str(folder), "parts": PARTS})
