"""The whole chain, from the simulator to the marts to the ceiling, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from generator.ceiling.computing import ceiling_blocks
from generator.ceiling.metrics import Metrics, Scored, metrics
from generator.ceiling.posterior import Label
from generator.ceiling.reading import LabelledRows, Reader
from generator.settings import Settings
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.file import read_warehouse
from tests.conftest import run_dbt

WINDOW = Label(gap=0, window=30)


def build(warehouse: Path, settings: Settings, variables: dict[str, str], *args: str) -> None:
    """Simulate, and build the marts."""
    generate_warehouse(warehouse, settings, workers=2)
    done = run_dbt(warehouse, variables, "run", "--threads", "2", *args)
    assert done.returncode == 0, done.stdout


def ceiling_of(
    warehouse: Path, settings: Settings, label: Label = WINDOW
) -> tuple[LabelledRows, np.ndarray]:
    """Return the labelled rows and their probabilities, whatever was simulated."""
    with read_warehouse(warehouse) as con:
        reader = Reader(con, settings, settings.last_date)
        blocks = list(ceiling_blocks(reader, label))
    rows, probabilities = zip(*blocks, strict=True)
    columns = (np.concatenate(column) for column in zip(*rows, strict=True))
    return LabelledRows(*columns), np.concatenate(probabilities)


def judged(rows: LabelledRows, probability: np.ndarray, chosen: np.ndarray) -> Metrics:
    return metrics(Scored(probability[chosen], rows.label[chosen], rows.user_id[chosen]))


def largest_z(rows: LabelledRows, probability: np.ndarray) -> float:
    """Return the largest surprise on all rows, on those active that day, and in their bins."""
    found = [judged(rows, probability, chosen) for chosen in (rows.label >= 0, rows.is_active)]
    told = [each.z for of in found for each in (of.calibration, *of.bins) if each.z is not None]
    assert len(told) >= 2 + 4
    return max(map(abs, told))
