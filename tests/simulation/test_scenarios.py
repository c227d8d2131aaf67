"""The scenarios are those of the documentation, to the version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator import Settings
from generator.simulation import simulate_blocks
from generator.sinks.tally import Tally
from tests.conftest import ROOT, Elearn

PAGE = (ROOT / "docs" / "simulation.md").read_text()
SCENARIOS = sorted((ROOT / "examples" / "scenarios").iterdir())


def test_every_scenario_stands_on_the_page() -> None:
    assert re.findall(r"^\| `(\w+\.toml)` ", PAGE, re.MULTILINE) == [s.name for s in SCENARIOS]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_has_the_churn_and_the_version_of_the_page(path: Path) -> None:
    settings, content, churners = Settings.from_file(path), Tally(), 0
    for rows in simulate_blocks(settings, workers=2, finish=content.add):
        truth = rows["truth.users"]
        churners += truth.num_rows - truth["churn_date"].null_count
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{path.name}` ")]
    assert row.endswith(f" | {churners / settings.n_users:.4f} | `{content.version}` |")


def test_the_command_of_the_page_prints_what_the_page_says(elearn: Elearn) -> None:
    example = PAGE.split("$ elearn generate --quiet --settings ")[1].split("\n$ ")[0]
    name, shown = example.split("\n", maxsplit=1)
    assert elearn("generate", "--quiet", "--settings", ROOT / name).stdout.strip() == shown
