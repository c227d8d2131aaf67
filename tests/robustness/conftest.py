"""Counts what was tried and what survived; a run with --whole writes it into the description.

A run of some tests of a kind (``-k``) does not.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT, dbt_writing_to
from tests.robustness.states import States

DESCRIPTION = ROOT / "docs/reliability.md"
START, END = "<!-- counts -->\n", "<!-- end of counts -->\n"
HEAD = "| kind | tried | survived | lost | run |\n|---|---:|---:|---:|---|\n"

# What each module tries; some stand beside what they are about.
KINDS = {
    "test_killed": "killed",
    "test_killed_builds": "killed",
    "test_full_disks": "full and closed disks, damaged files",
    "test_two_at_once": "two at once",
    "test_dirty_files": "dirty files",
    "test_files": "dirty files",
    "test_rules": "dirty files",
    "test_dirty_marts": "dirty marts",
    "test_planted_leaks": "planted leaks",
    "test_fuzz": "fuzz",
    "test_soak": "soak",
    "test_upgrades_by_day": "days of upgrades",
    "test_privacy": "privacy and supply chain",
}

Tried = Callable[[int], None]


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Say how many things a test tries, when that is not one."""
    return lambda number: record_property("tried", number)


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> States:
    own = tmp_path_factory.mktemp("states")
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "shared_states"
    shared.mkdir(exist_ok=True)
    return States(shared, own / "now", dbt_writing_to(own))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table, and write it where the whole was run."""
    rows = table_rows(terminalreporter)
    terminalreporter.write_line(HEAD + "\n".join(rows.values()))
    if config.getoption("whole") and "deselected" not in terminalreporter.stats:
        write_table(DESCRIPTION, rows)


def table_rows(terminalreporter: pytest.TerminalReporter) -> dict[str, str]:
    """Return a line of the table for each module that was run, by its name."""
    tried, lost = Counter[str](), Counter[str]()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            name = KINDS.get(Path(report.nodeid.partition("::")[0]).stem)
            if name and isinstance(report, pytest.TestReport):
                tried[name] += dict(report.user_properties).get("tried", 1)
                lost[name] += outcome != "passed"
    run = f"{datetime.now(UTC):%Y-%m-%d}, DuckDB {duckdb.__version__}, {platform.system()}"
    return {
        name: f"| {name} | {tried[name]:,} | {tried[name] - lost[name]:,} | {lost[name]} | {run} |"
        for name in sorted(tried)
    }


def write_table(path: Path, rows: dict[str, str]) -> None:
    """Write lines into the table of a description; those of kinds that were not run stay."""
    before, _, rest = path.read_text().partition(START)
    table, _, after = rest.partition(END)
    kept = {line.split("|")[1].strip(): line for line in table.splitlines()[2:]}
    lines = "\n".join(line for _, line in sorted((kept | rows).items()))
    path.write_text(f"{before}{START}{HEAD}{lines}\n{END}{after}")
