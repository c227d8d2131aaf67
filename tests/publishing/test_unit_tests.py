"""Unit tests run when the code or the tools are not those that passed them, and only then."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from generator.publishing import unit_tests
from generator.publishing.unit_tests import UnitTests
from tests.conftest import copy_project, dbt_writing_to, run_elearn

RIGHT, WRONG = 'last_labelled_day: "2025-02-04"', 'last_labelled_day: "2025-02-05"'


def project_in(folder: Path) -> UnitTests:
    return UnitTests(folder, folder / "target", os.environ)


@pytest.mark.slow
def test_a_build_leaves_out_the_unit_tests_that_its_code_has_passed(tmp_path: Path) -> None:
    copy_project(tmp_path)
    size = ("--n-users", 5, "--days", 40, "--replace", "--through", "2025-02-09")

    def build(*options: str, is_right: bool = True) -> subprocess.CompletedProcess[str]:
        variables = dbt_writing_to(tmp_path)
        return run_elearn(tmp_path, variables, "build", *size, *options, check=is_right)

    def ran(done: subprocess.CompletedProcess[str]) -> bool:
        [line] = re.findall("Finished running .*", done.stderr)
        return "unit tests" in line

    tested = tmp_path / "dbt_project/models/intermediate/int_observation_window.yml"
    right = tested.read_text()
    assert RIGHT in right
    tested.write_text(right.replace(RIGHT, WRONG))
    done = build(is_right=False)
    assert done.returncode == 1
    assert "window_ends_are_the_first_and_last_event" in done.stderr
    assert not project_in(tmp_path).have_passed
    tested.write_text(right)
    first, second = build(), build()
    assert [ran(first), ran(second)] == [True, False]
    assert first.stdout == second.stdout, "as many tests of data passed"
    assert ran(build("--all-tests"))


def test_other_code_has_not_passed(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / "target").mkdir()
    project_in(tmp_path).keep()
    assert project_in(tmp_path).have_passed
    for name in ("models/own.sql", "macros/scaling.sql", "tests/own/rows.csv", "../profiles.csv"):
        path = tmp_path / "dbt_project" / name
        before = path.read_text() if path.exists() else None
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{before or ''} ")
        assert project_in(tmp_path).have_passed == (name == "../profiles.csv"), name
        path.unlink() if before is None else path.write_text(before)
        assert project_in(tmp_path).have_passed, name


def test_code_in_another_folder_counts_where_dbt_looks_for_it(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / "target").mkdir()
    settings = tmp_path / "dbt_project.yml"
    more = settings.read_text().replace("[dbt_project/models]", "[dbt_project/models, more]")
    settings.write_text(more)
    project_in(tmp_path).keep()
    (tmp_path / "more").mkdir()
    (tmp_path / "more/own.sql").write_text("select 1 as one")
    assert not project_in(tmp_path).have_passed
    settings.write_text("[")  # dbt says what is wrong with it
    assert not project_in(tmp_path).have_passed


def test_a_linked_package_and_a_variable_of_the_environment_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_project(tmp_path / "project")
    project = tmp_path / "project"
    (tmp_path / "package").mkdir()
    (tmp_path / "package/one.sql").write_text(
        "{% macro one() %}{{ env_var('ONE', '1') }}{% endmacro %}"
    )
    (project / "dbt_packages").mkdir()
    (project / "dbt_packages/package").symlink_to("../../package")
    (tmp_path / "package/round").symlink_to(".")
    project_in(project).keep()
    assert project_in(project).have_passed
    monkeypatch.setenv("ONE", "2")
    assert not project_in(project).have_passed
    monkeypatch.delenv("ONE")
    (tmp_path / "package/one.sql").write_text("{% macro one() %}2{% endmacro %}")
    assert not project_in(project).have_passed


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("selectors.yml", "selectors: []"),
        ("dbt_project.yml", "model-paths:"),
        ("dbt_project.yml", "macro-paths: ['{{ env_var(\"MACROS\") }}']"),
        ("dbt_project/macros/own.sql", "{% macro own() %}{{ env_var(name) }}{% endmacro %}"),
    ],
)
def test_where_the_code_is_not_known_unit_tests_run(file: str, text: str, tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / file).write_text(text)
    project_in(tmp_path).keep()
    assert not project_in(tmp_path).have_passed


def test_another_version_of_a_tool_has_not_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_project(tmp_path)
    (tmp_path / "target").mkdir()
    project_in(tmp_path).keep()
    monkeypatch.setattr(unit_tests, "version", lambda tool: "1.0")
    assert not project_in(tmp_path).have_passed
