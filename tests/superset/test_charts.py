"""What Superset shows is what SQL finds in the published file, also in a file published over it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import run_elearn
from tests.superset import judge
from tests.superset.server import BUNDLE, Superset

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
    exported = superset.exported()
    assert "type: Dashboard" in exported.pop("metadata.yaml")
    files = {
        path.relative_to(BUNDLE).as_posix(): path.read_text() for path in BUNDLE.rglob("*.yaml")
    }
    del files["metadata.yaml"]
    assert exported == files


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
