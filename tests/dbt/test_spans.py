"""Where redoing begins on Spark, by the macros alone: spans of days are written as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import dbt_writing_to, run_dbt

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("last_day", "cases"),
    [
        # the first changed day, the last days of the events kept and now, the first day to redo
        (
            None,
            [
                ("2024-02-11", "2024-02-10", "2024-02-11", "2024-02-11"),  # new days alone
                ("2024-02-11", "2024-02-10", "2024-02-12", "2024-02-11"),
                ("2024-02-10", "2024-02-10", "2024-02-11", "2024-02-09"),  # one that was there
                ("2024-01-07", "2024-02-10", "2024-02-11", "2024-01-01"),
                ("2024-03-01", "2024-02-29", "2024-03-01", "2024-02-01"),  # a month is over
                ("2024-02-29", "2024-02-28", "2024-03-03", "2024-02-01"),
                ("2023-12-31", "2024-02-10", "2024-02-10", "0001-01-01"),  # before all spans
                ("2024-02-10", None, None, "0001-01-01"),  # no events
            ],
        ),
        (
            "2024-02-20",
            [
                ("2024-02-11", "2024-02-10", "2024-02-11", "2024-02-09"),  # it stands already
                ("2024-02-15", "2024-02-10", "2024-02-10", "2024-02-09"),  # a signup or a change
                ("2024-02-20", "2024-02-10", "2024-02-20", "2024-02-09"),
                ("2024-02-21", "2024-02-10", "2024-02-21", "2024-02-21"),  # after all days
                ("2024-02-10", None, None, "0001-01-01"),
            ],
        ),
    ],
)
def test_redoing_begins_with_a_span(
    last_day: str | None,
    cases: list[tuple[str | None, ...]],
    tmp_path: Path,
) -> None:
    spans = ["2024-01-01", "2024-02-01", "2024-02-09"]
    names = ("first_changed_day", "kept_last_day", "last_day")
    calls = [
        f"{{{{ first_day_to_redo({spans}, {dict(zip(names, days, strict=False))}, 0) }}}}"
        for days in cases
    ]
    inline = ("compile", "--inline", "\n".join(calls), "--vars", json.dumps({"last_day": last_day}))
    done = run_dbt(tmp_path / "none.duckdb", dbt_writing_to(tmp_path), *inline)
    assert done.stdout.splitlines()[-len(cases) :] == [days[3] for days in cases]
