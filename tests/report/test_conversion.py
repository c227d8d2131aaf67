"""The chart of free users who became paid, which stands on the page only where there are any."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from generator.report import activity, churn, write_report

UPGRADES = (
    "insert into raw.user_changes select user_id, date '2025-01-01' + 2 * (user_id % 70), 'paid',"
    " 1, country, marketing_source from raw.users where plan = 'free' and user_id % 3 > 0",
    "insert into raw.user_changes select user_id, date '2025-02-01', 'free', 0, country,"
    " marketing_source from raw.users where user_id % 3 = 0",
)
"""Upgrades from the first day of the window to after its last, and changes that are none."""


def test_conversion_is_the_estimate_of_kaplan_and_meier(copied: Path) -> None:
    with duckdb.connect(str(copied)) as con:
        churn.prepare(con)
        assert activity.conversion(con) is None
        for statement in UPGRADES:
            con.execute(statement)
        found = activity.conversion(con)
        users = con.execute(
            "select signup_date, valid_from from raw.users left join raw.user_changes as changes"
            " on users.user_id = changes.user_id and changes.plan = 'paid'"
            " where users.plan = 'free'"
        ).fetchall()
        [(start, last)] = con.execute(
            "select min(as_of_date), max(as_of_date) from user_daily"
        ).fetchall()
    firsts = [(max(signup, start), paid_from) for signup, paid_from in users]
    seen = [
        ((min(paid_from or last, last) - first).days, paid_from is not None and paid_from <= last)
        for first, paid_from in firsts
        if paid_from is None or paid_from > first
    ]
    assert len(seen) < len(users)
    free, expected = 1.0, {}
    for day in sorted({day for day, _ in seen}):
        at_risk = sum(other >= day for other, _ in seen)
        upgrades = sum(other == day and upgraded for other, upgraded in seen)
        free *= 1 - upgrades / at_risk
        expected[day] = (at_risk, upgrades, pytest.approx(1 - free))
    assert expected == {row.day: (row.users, row.upgrades, row.share) for row in found.itertuples()}


def test_the_page_draws_conversion_where_there_are_upgrades(copied: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert "conversion" not in write_report(copied, page).charts
    with duckdb.connect(str(copied)) as con:
        con.execute(UPGRADES[0])
    assert "conversion" in write_report(copied, page).charts
    assert "free users became paid, an estimated" in page.read_text()
    with duckdb.connect(str(copied)) as con:
        con.execute("drop table raw.user_changes")
    assert "conversion" not in write_report(copied, page).charts
