"""The ceiling of a warehouse, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generator.ceiling.grid import GRID_POINTS
from generator.ceiling.histories import Histories
from generator.ceiling.posterior import Group, Label, label_probability, read_group
from generator.ceiling.reading import LabelledRows, Reader
from generator.reporter import SILENT, Reporter
from generator.simulation.arrays import Floats, Ints

READ_CELLS = 2**18
"""User-days that are read at a time: a query costs more than the rows it brings."""
FILTER_CELLS = 2**14
"""User-days that are filtered at a time: more do not fit into the processor's cache."""


def ceiling_blocks(
    reader: Reader, label: Label, *, points: int = GRID_POINTS, reporter: Reporter = SILENT
) -> Iterator[tuple[LabelledRows, Floats]]:
    """Yield the labelled rows of some users with their probabilities, in order of user_id.

    Parameters
    ----------
    reader
        Reads the warehouse.
    label
        What churn_label asks.
    points
        Points of the grid of engagement.
    reporter
        Is told of the users that are done.
    """
    groups = {
        is_treated: read_group(reader.settings, label, is_treated=is_treated, points=points)
        for is_treated in ((False, True) if reader.settings.has_experiment else (False,))
    }
    user_ids = reader.user_ids()
    for ids in _pieces(user_ids, READ_CELLS // reader.days):
        probability = _probabilities(groups, reader.histories(ids))
        rows = reader.rows(ids)
        yield rows, probability[np.searchsorted(ids, rows.user_id), rows.day]
        reporter.advance(ids.size)


def _probabilities(groups: dict[bool, Group], histories: Histories) -> Floats:
    """Return the probability of the label as of every loaded day, shape (users, days)."""
    probability = np.empty(histories.active.shape)
    for is_treated, group in groups.items():
        members = np.flatnonzero(histories.is_treated == is_treated)
        for users in _pieces(members, FILTER_CELLS // histories.days):
            probability[users] = label_probability(group, histories.take(users))
    return probability


def _pieces(values: Ints, size: int) -> Iterator[Ints]:
    for start in range(0, values.size, max(size, 1)):
        yield values[start : start + max(size, 1)]
