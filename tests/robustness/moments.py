"""The moments at which commands are ended: each side of every step that writes something."""

from __future__ import annotations

import pytest

from tests.named_moments import Moment

NEXT = "generator.warehouse.next_private_file.NextPrivateFile"
MOVE = "generator.atomic_files.move_file"
MODEL, TEST = "dbt.task.run.ModelRunner.execute", "dbt.task.test.TestRunner.execute"
STATEMENT = "dbt.adapters.duckdb.environments.local.DuckDBCursorWrapper.execute"
GREEN = "into bookkeeping.green_build"
KEPT = "generator.publishing.tested_version.TestedVersion.keep"


def of_a_load(room: str) -> dict[str, Moment]:
    """The moments of a command that loads; ``room`` is the module that writes the rows."""
    return {
        "nothing_written": Moment("before", f"{room}.create_missing"),
        "rows_written": Moment("after", f"{room}.record_load"),
        "before_the_commit": Moment("after", f"{NEXT}.seal"),
        "after_the_commit": Moment("before", f"{NEXT}.put_in_place"),
        "private_file_in_place": Moment("after", f"{NEXT}.put_in_place"),
    }


OF_DBT = {
    "nothing_built": Moment("before", MODEL),
    "in_user_daily": Moment("after", STATEMENT, "user_daily__dbt_tmp"),
    "user_daily_built": Moment("after", MODEL, "user_daily"),
    "before_the_features": Moment("before", MODEL, "user_features_daily"),
    "datasets_built": Moment("after", MODEL, "training_dataset"),
    "tests_begun": Moment("after", TEST),
    "in_the_tests": Moment("before", TEST, "splits_do_not_overlap"),
    "tests_passed": Moment("before", STATEMENT, GREEN),
    "green_build_recorded": Moment("after", STATEMENT, GREEN),
}
OF_PUBLISHING = {
    "copied": Moment("before", "generator.publishing.publish._keep_for_readers"),
    "before_the_sync": Moment("before", "generator.publishing.publish.move_file"),
    "before_the_rename": Moment("before", "os.replace", "elearn.duckdb"),
    "after_the_rename": Moment("after", "os.replace", "elearn.duckdb"),
}
SIMULATED = of_a_load("generator.sinks.warehouse") | {
    "nothing_written": Moment("before", "generator.sinks.warehouse.replace_content")
}
OF_EXPORT = {
    "one_table_written": Moment("after", "generator.publishing.export._copy"),
    "before_the_first_rename": Moment("before", "generator.publishing.export.move_into"),
    "half_moved": Moment("after", MOVE, "training_dataset"),
    "before_the_manifest": Moment("before", MOVE, "manifest.json"),
    "after_the_manifest": Moment("after", MOVE, "manifest.json"),
}
MOMENTS: dict[str, dict[str, Moment]] = {
    "generate": SIMULATED,
    "through": of_a_load("generator.sinks.daily"),
    "load": of_a_load("generator.loader.load")
    | {"nothing_written": Moment("before", "generator.loader.load.replace_content")},
    "append": of_a_load("generator.loader.load"),
    "build": SIMULATED | OF_DBT | OF_PUBLISHING | {"sums_kept": Moment("after", KEPT)},
    "dbt build": OF_DBT,
    "publish": OF_PUBLISHING,
    "export": OF_EXPORT,
}
"""Of each command, by the name of what is done then."""

SAMPLE = {
    "generate": ["before_the_commit"],
    "through": ["before_the_commit", "after_the_commit"],
    "load": ["after_the_commit"],
    "append": ["before_the_commit", "after_the_commit"],
    "build": ["user_daily_built"],
    "dbt build": ["in_user_daily", "tests_passed"],
    "publish": ["before_the_rename"],
    "export": ["half_moved", "before_the_manifest"],
}
"""What `make test-slow` tries; `make robustness` tries all."""


def moments(name: str) -> list[object]:
    """Return the names of a command's moments as parameters: a sample, the others with --whole."""
    return [
        pytest.param(moment, marks=[] if moment in SAMPLE[name] else [pytest.mark.whole])
        for moment in MOMENTS[name]
    ]
