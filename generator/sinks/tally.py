"""The dataset version of a simulation, added up while its rows come in."""

from __future__ import annotations

import threading

from generator.simulation.rows import Rows
from generator.warehouse.tables import VERSIONED_TABLES
from generator.warehouse.versions import ContentSum, added, sum_of, version_of


class Tally:
    """The content of tables that comes in parts, added up by several threads at once."""

    def __init__(self) -> None:
        self.sums = {table.name: ContentSum() for table in VERSIONED_TABLES}
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """The version of all that was added."""
        return version_of(self.sums)

    def add(self, rows: Rows) -> Rows:
        """Add the content of some rows, and return them."""
        found = {
            table.name: sum_of(table, rows[table.name].to_batches()) for table in VERSIONED_TABLES
        }
        with self._lock:
            self.sums = added(self.sums, found)
        return rows
