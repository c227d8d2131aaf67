"""The dataset version of a simulation, added up while its rows come in."""

from __future__ import annotations

import threading

from generator.simulation.rows import Rows
from generator.warehouse.tables import EVENTS, USERS
from generator.warehouse.versions import ContentSum, sum_of, version_of


class Tally:
    """The content of users and events that come in parts, added up by several threads at once."""

    def __init__(self) -> None:
        self.users = ContentSum()
        self.events = ContentSum()
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """The version of all that was added."""
        return version_of(self.users, self.events)

    def add(self, rows: Rows) -> Rows:
        """Add the content of some rows, and return them."""
        users = sum_of(USERS, rows[USERS.name].to_batches())
        events = sum_of(EVENTS, rows[EVENTS.name].to_batches())
        with self._lock:
            self.users += users
            self.events += events
        return rows
