"""What a run of dbt leaves: a warehouse that is still locked, and what was written in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from generator.errors import ElearnError, first_line
from generator.publishing.write_set import EVERYTHING, Statement, WriteSet, write_set
from generator.warehouse.file import Connection, read_warehouse, remedy
from generator.warehouse.paths import is_same_file
from generator.warehouse.sql import name_in, one_row, quoted


@dataclass(frozen=True)
class Built:
    """A build that succeeded."""

    seconds: Mapping[str, float]
    """Of each model, and of all tests of a kind together; two run at a time."""
    statements: Sequence[Statement]
    """All that dbt executed."""
    engine: Any
    """dbt's own, which has the warehouse open; None where it is another one than DuckDB here."""

    @contextmanager
    def opened(
        self, warehouse: Path, memory_limit: str | None
    ) -> Iterator[tuple[Connection, WriteSet]]:
        """Read the warehouse under the lock of the build, and let it go afterwards.

        Yields a connection, and what may differ from what the tests saw.
        """
        con = getattr(self.engine, "conn", None)
        if con is None or not is_same_file(_path_of(con), warehouse):  # as a profile may say
            if con is not None:  # it may have attached the warehouse, which nobody can do twice
                self.engine.close()
            with read_warehouse(warehouse, memory_limit) as con:
                yield con, EVERYTHING
            return
        try:
            _detach_others(con)
            con.execute("checkpoint")  # the bytes of the file are what is copied
            # A profile of a person's own need not ask for it, and DuckDB refuses a limit below what
            # the indexes of keys take until they are on the disk.
            if memory_limit is not None:
                con.execute(f"set memory_limit = {quoted(memory_limit)}")
            yield con, self._written()
        except duckdb.Error as error:
            raise ElearnError(f"{warehouse}: {first_line(error)}{remedy(error)}") from error
        finally:
            self.engine.close()

    def _written(self) -> WriteSet:
        """Return what was written too late; a plugin of dbt-duckdb tells of nothing it executes."""
        return EVERYTHING if self.engine.creds.plugins else write_set(self.statements)


def _detach_others(con: Connection) -> None:
    """Let go what a profile attached: the private file is opened again, which has to be free."""
    query = """
        select database_name from duckdb_databases()
        where not internal and database_name <> current_database()
    """
    for (name,) in con.execute(query).fetchall():
        con.execute(f"detach {name_in(name)}")


def _path_of(con: Connection) -> Path:
    query = "select path from duckdb_databases() where database_name = current_database()"
    return Path(one_row(con, query)[0] or "")
