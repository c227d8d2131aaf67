"""The next private file: what a load writes beside the private file that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from generator.atomic_files import keep_owner, sync
from generator.errors import not_allowed
from generator.reporter import SILENT, Reporter
from generator.warehouse.file import (
    Connection,
    connect,
    create_table,
    insert_row,
    last_load,
    remove_database,
)
from generator.warehouse.paths import check_readable, next_path, private_path
from generator.warehouse.private import (
    NAME,
    PrivateFile,
    WrittenBy,
    opened,
    put_in_place,
    read_private,
    written_by_of,
)
from generator.warehouse.sql import has_table
from generator.warehouse.table import Table
from generator.warehouse.tables import (
    PRIVATE_TABLES,
    REJECTED_ROWS,
    TRUTH,
    USER_KEYS,
    WRITTEN_BY,
)


@contextmanager
def load_transaction(
    con: Connection,
    warehouse: Path,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> Iterator[NextPrivateFile]:
    """Run a load: all that it changes in the warehouse and in the private file, or nothing.

    The body writes the load into the load history when it changed anything. After an error the
    connection is closed, which rolls back.
    """
    with read_private(con, warehouse, memory_limit) as old:
        private = NextPrivateFile(con, warehouse, old, memory_limit, reporter)
        con.begin()
        try:
            yield private
            private.seal()
        except BaseException:
            private.discard()
            raise
    con.commit()
    private.put_in_place()


class NextPrivateFile(PrivateFile):
    """What a load reads of the private file, and the next one that it may write.

    Nothing is written unless the load has something to keep, or takes something away.
    """

    def __init__(
        self,
        con: Connection,
        warehouse: Path,
        old: PrivateFile,
        memory_limit: str | None,
        reporter: Reporter,
    ) -> None:
        super().__init__(old._con)
        self._of_warehouse = con
        self._warehouse = warehouse
        self._path = private_path(warehouse)
        self._old = old
        self._memory_limit = memory_limit
        self._reporter = reporter
        self._kept: tuple[Table, ...] = PRIVATE_TABLES
        self._next: Connection | None = None
        self.highest_user_number: int | None = None
        """Highest number that was ever given to a user whose id is a text."""
        if old.has(WRITTEN_BY):
            [(self.highest_user_number,)] = old.rows(
                f"select highest_user_number from {WRITTEN_BY.name}"
            )

    def replace(self) -> None:
        """Take away what a load that replaces does not keep: all but the quarantine."""
        self._kept = (REJECTED_ROWS,)
        self.highest_user_number = None
        if self._old.has(TRUTH) or self._old.has(USER_KEYS):
            self._begin()

    def leave_out(self, *tables: Table) -> None:
        """Take some tables away from what the next file keeps of the old one."""
        self._kept = tuple(table for table in self._kept if table not in tables)

    def insert(self, table: Table, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows with the columns of a table to those that the next file keeps."""
        con = self._begin()
        if not has_table(con, table.name):
            create_table(con, table)
        con.from_arrow(rows).project(", ".join(table.column_names)).insert_into(table.name)

    def _begin(self) -> Connection:
        """Begin the next file with what it keeps of the old one, unless it is begun."""
        if self._next is not None:
            return self._next
        self._check_replaceable()
        if not os.access(self._path.parent, os.W_OK):
            raise not_allowed(NAME, self._path, "a file in a folder that can be written")
        waiting = next_path(self._path)
        remove_database(waiting)
        mask = os.umask(0o077)  # its owner alone may ever open it
        try:
            con = self._next = self._con = connect(waiting, self._memory_limit, name=NAME)
        finally:
            os.umask(mask)
        con.begin()
        con.execute("create schema truth")
        for table in self._kept:
            if self._old.has(table):
                self.insert(table, self._old.reader(table))
        return con

    def _check_replaceable(self) -> None:
        """Raise when another's file stands where the next one goes and must not be lost."""
        if not self._path.exists() or self._old._con is not None:
            return
        check_readable(self._path, NAME)
        with opened(self._path, self._memory_limit) as found:
            if written_by_of(found) is None:
                raise not_allowed(NAME, self._path, "a private file or a new name; move it away")
            if has_table(found, USER_KEYS.name):
                raise not_allowed(
                    NAME,
                    self._path,
                    "one of this warehouse; it holds the text keys of another one, move it away",
                )
        self._reporter.say(f"{self._path}: replaced, as it belonged to another warehouse")

    def seal(self) -> None:
        """Write the next file whole, for the load that was recorded last."""
        if self._next is None:
            return
        con, load = self._next, last_load(self._of_warehouse)
        assert load is not None
        for table in PRIVATE_TABLES:
            if (
                has_table(con, table.name)
                and not con.execute(f"from {table.name} limit 1").fetchall()
            ):
                con.execute(f"drop table {table.name}")
        create_table(con, WRITTEN_BY)
        row = WrittenBy(load["load_id"], load["loaded_at"], self.highest_user_number)
        insert_row(con, WRITTEN_BY, row._asdict())
        con.commit()
        con.close()
        keep_owner(next_path(self._path), like=self._warehouse)  # root may have been called
        sync(next_path(self._path))

    def copy(self, stay: Mapping[Table, str]) -> None:
        """Make the next file of the old one's rows for which the given conditions hold."""
        self.leave_out(*stay)
        for table, condition in stay.items():
            if self._old.has(table):
                self.insert(table, self._old.reader(table, condition))

    def close(self) -> None:
        """Leave the next file to :func:`settle`."""
        if self._next is not None:
            self._next.close()

    def put_in_place(self) -> None:
        """Put the next file in place of the old one, once the warehouse is committed."""
        if self._next is not None:
            put_in_place(self._path)

    def discard(self) -> None:
        """Remove the next file of a load that failed."""
        if self._next is not None:
            self._next.close()
            remove_database(next_path(self._path))
