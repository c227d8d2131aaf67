"""The ceiling: the best possible prediction of simulated churn.

The simulator knows its own probabilities. So the probability of ``churn_label = 1`` given all that
is visible at the end of a day can be computed, and no model has a better expected log loss.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from generator.atomic_files import replaced_file
from generator.ceiling.computing import ceiling_blocks
from generator.ceiling.metrics import Estimate, Metrics, Scored, metrics
from generator.ceiling.question import read_question
from generator.ceiling.reading import LabelledRows
from generator.errors import not_allowed
from generator.reporter import SILENT, Reporter
from generator.settings import Settings
from generator.simulation.arrays import Floats
from generator.warehouse.build_info import read_vars
from generator.warehouse.file import read_warehouse
from generator.warehouse.paths import is_same_file

SCHEMA = pa.schema(
    [("user_id", pa.int32()), ("as_of_date", pa.date32()), ("probability", pa.float64())]
)


@dataclass(frozen=True)
class Ceiling:
    """How good the best possible prediction of one build is."""

    warehouse: str
    dataset_version: str
    label_gap_days: int
    label_window_days: int
    metrics: dict[str, Metrics]
    """By the rows that they stand for."""
    output: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return asdict(self)

    def as_lines(self) -> list[str]:
        """Return it as lines for a terminal."""
        names = ("rows", "positives", "users", "ROC AUC", "PR AUC", "log loss")
        lines = [f"{'':<18}" + "".join(f"{name:>16}" for name in names)]
        for name, found in self.metrics.items():
            counts = (found.rows, found.positives, found.users_with_a_positive)
            cells = [f"{count:,}" for count in counts]
            cells += [_text(each) for each in (found.roc_auc, found.pr_auc, found.log_loss)]
            row = f"{name.replace('_', ' '):<18}" + "".join(f"{cell:>16}" for cell in cells)
            lines.append(row)
        all_rows = self.metrics["all"].calibration
        of_data = f"{all_rows.positives:,} in the data"
        lines.append(f"{'calibration':<28}{all_rows.expected:,.1f} positives expected, {of_data}")
        lines.append(f"{'dataset version':<28}{self.dataset_version}")
        return lines + ([f"{'probabilities':<28}{self.output}"] if self.output else [])


def compute_ceiling(
    warehouse: Path,
    output: Path | None = None,
    *,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> Ceiling:
    """Compute the probability of every row of training_dataset, and how good it is.

    Parameters
    ----------
    warehouse
        A warehouse with marts, or a published copy.
    output
        Parquet file for the probabilities: user_id, as_of_date, probability. Its metadata hold the
        build's dataset_version and vars.
    memory_limit
        Most memory that DuckDB takes.
    reporter
        Is told how far it is.

    Raises
    ------
    UsageError
        The output cannot be written.
    ElearnError
        The content is not a simulation's, the build is not one that the ceiling knows, or a
        history has probability 0.
    """
    if output is not None and is_same_file(output, warehouse):
        raise not_allowed("output", output, "a file that is not the warehouse")
    with read_warehouse(warehouse, memory_limit) as con:
        reader, label, version = read_question(con, warehouse, reporter)
        total = reader.user_ids().size
        build = {"dataset_version": version, "vars": json.dumps(read_vars(con, warehouse))}
        with (
            _writer(output, reader.settings, build) as write,
            reporter.step("ceiling", total=total),
        ):
            kept = _Kept()
            for rows, probability in ceiling_blocks(reader, label, reporter=reporter):
                write(rows, probability)
                kept.add(rows, probability)
    with reporter.step("metrics"):
        found = kept.metrics()
    text = None if output is None else str(output)
    return Ceiling(str(warehouse), version, label.gap, label.window, found, text)


class _Write(Protocol):
    def __call__(self, rows: LabelledRows, probability: Floats) -> None: ...


@contextmanager
def _writer(output: Path | None, settings: Settings, build: dict[str, str]) -> Iterator[_Write]:
    """Yield what takes blocks of rows into the output file, or drops them.

    The file's metadata say of which build it is: the same rows may have other labels.
    """
    if output is None:
        yield lambda rows, probability: None
        return
    start = np.datetime64(settings.start_date, "D").astype(int)
    schema = SCHEMA.with_metadata(build)
    with replaced_file(output, "output") as part, pq.ParquetWriter(part, schema) as parquet:

        def write(rows: LabelledRows, probability: Floats) -> None:
            days = pa.array((start + rows.day).astype(np.int32)).cast(pa.date32())
            user_id = pa.array(rows.user_id.astype(np.int32))
            parquet.write_table(pa.table([user_id, days, pa.array(probability)], schema=schema))

        yield write


class _Kept:
    """What the metrics need of the rows, in few bytes each."""

    def __init__(self) -> None:
        self.blocks: list[tuple[Any, ...]] = []
        self.users = 0

    def add(self, rows: LabelledRows, probability: Floats) -> None:
        """Keep a block."""
        # Users are numbered as they come, in order of user_id.
        user_ids, user = np.unique(rows.user_id, return_inverse=True)
        user = (self.users + user).astype(np.int32)
        self.users += user_ids.size
        self.blocks.append((user, rows.is_active, rows.is_test, rows.label, probability))

    def metrics(self) -> dict[str, Metrics]:
        """Return the metrics of all and of test rows, each of all and of those active that day."""
        columns = [np.concatenate(parts) for parts in zip(*self.blocks, strict=True)]
        self.blocks.clear()
        user, is_active, is_test, label, probability = columns
        of = {
            "all": np.ones_like(label),
            "all_active": is_active,
            "test": is_test,
            "test_active": is_test & is_active,
        }
        return {
            name: metrics(Scored(probability[rows], label[rows], user[rows]))
            for name, rows in of.items()
        }


def _text(estimate: Estimate) -> str:
    if estimate.value is None:
        return "-"
    error = "" if estimate.standard_error is None else f" ± {estimate.standard_error:.4f}"
    return f"{estimate.value:.4f}{error}"
