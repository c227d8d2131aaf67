"""What Superset shows is what SQL finds in the published file, also in a file published over it."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import run_elearn
from tests.superset import judge
from tests.superset.server import EXAMPLE, Superset, bundle_files, in_order, without_path

pytestmark = pytest.mark.superset


def test_every_chart_shows_what_the_file_holds(superset: Superset) -> None:
    charts = superset.charts()
    assert set(charts) == set(judge.SERIES) | set(judge.ROWS)
    with judge.judging(superset.published, judge.EVERYTHING) as con:
        for name, chart in charts.items():
            found = judge.shown(name, superset.data(chart))
            assert found, name
            assert found == judge.expected(con, name), name


def test_superset_exports_the_bundle_as_it_stands(superset: Superset) -> None:
    exported, files = superset.exported(), bundle_files()
    assert "type: Dashboard" in exported.pop("metadata.yaml")
    del files["metadata.yaml"]
    assert set(exported) == set(files)
    for name, text in exported.items():
        assert in_order(text) == in_order(files[name])


def test_the_bundle_is_imported_like_any_dashboard(superset: Superset) -> None:
    superset.upload(bundle_files())
    test_superset_exports_the_bundle_as_it_stands(superset)


def test_save_takes_from_superset_and_describes_by_the_file(
    superset: Superset, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    example = shutil.copytree(EXAMPLE, tmp_path / "superset")
    [chart] = (example / "bundle/charts").glob("Revenue_*.yaml")
    chart.unlink()
    superset.change("dataset/1", {"description": "Says something else."})
    python = Path(pytestconfig.getoption("superset")).absolute()
    subprocess.run(
        [python, example / "bundle.py", "save"],
        cwd=superset.folder,
        env=without_path(),
        check=True,
        capture_output=True,
    )
    assert bundle_files(example / "bundle") == bundle_files()


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("delete from main.build_info", "does not allow for DDL/DML"),
        ("select * from read_text('/etc/hostname')", "disabled by configuration"),
    ],
)
def test_superset_neither_writes_nor_reads_another_file(
    superset: Superset, sql: str, complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        superset.ask("sqllab/execute/", {"database_id": 1, "sql": sql, "runAsync": False})


def test_a_file_published_over_the_open_one_is_shown_without_a_restart(
    superset: Superset, dbt_variables: dict[str, str]
) -> None:
    charts = superset.charts()
    before = superset.data(charts["What was built"])
    with asking_all_the_time(superset, charts["Active users a day"]) as answers:
        run_elearn(superset.folder, dbt_variables, "build", "--quiet", "--n-users", 60, "--seed", 5)
    assert len(answers) > 2
    assert all(answers)
    assert superset.data(charts["What was built"]) != before
    test_every_chart_shows_what_the_file_holds(superset)


@contextmanager
def asking_all_the_time(superset: Superset, chart: int) -> Iterator[list[int]]:
    """Ask for a chart again and again, so that the file is open; yield how many rows each had."""
    answers: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            answers.append(len(superset.data(chart)))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        ended.set()
        for thread in threads:
            thread.join()
