"""A warehouse of the version before holds itself what the private file holds now.

Moving it over writes the private file first and the warehouse file anew after that. A kill in
between leaves the rows in both, and the next command moves them over again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.errors import ElearnError
from generator.reporter import SILENT, Reporter
from generator.warehouse.anew import anew_path, write_anew
from generator.warehouse.file import Connection, connect, open_connection, remove_database
from generator.warehouse.next_private_file import NextPrivateFile
from generator.warehouse.paths import check_path, private_path
from generator.warehouse.private import PrivateFile, read_private
from generator.warehouse.sql import has_table, quoted_list
from generator.warehouse.table import Table
from generator.warehouse.tables import LOADS, REJECTED_ROWS, TRUTH
from generator.warehouse.versions import BATCH_ROWS

OLD_NAMES = {"truth.users": TRUTH, "raw.rejected_rows": REJECTED_ROWS}
"""Tables by their names in a warehouse of the version before."""
TESTED_TABLES = "bookkeeping.tested_tables"


@contextmanager
def open_moved_over(
    warehouse: Path, memory_limit: str | None = None, reporter: Reporter = SILENT
) -> Iterator[Connection]:
    """Open the warehouse for writing, as :func:`move_over` leaves it.

    One with nothing to move is opened once, as that takes a tenth of a small load.

    Raises
    ------
    UsageError, LockedError, ElearnError
        What :func:`move_over` and :func:`.open_connection` raise.
    """
    with open_connection(warehouse, memory_limit) as con:
        if not _holds_old(con):
            yield con
            return
    move_over(warehouse, memory_limit, reporter)
    with open_connection(warehouse, memory_limit) as con:
        yield con


def move_over(
    warehouse: Path, memory_limit: str | None = None, reporter: Reporter = SILENT
) -> None:
    """Move what an earlier version kept in the warehouse into its private file.

    The warehouse file is written anew, so that no byte of it is left there. One that holds nothing
    of the kind is let be, and so is a path without a warehouse.

    Raises
    ------
    UsageError
        The path cannot be a warehouse.
    LockedError
        Another process has it open.
    ElearnError
        A table of a person's own refers to what has to go.
    """
    check_path(warehouse)
    if not warehouse.exists() or not warehouse.stat().st_size:
        return
    with connect(warehouse, None, read_only=True) as con:
        is_old = _holds_old(con)
    if not is_old:
        return
    con = connect(warehouse, memory_limit)
    try:
        old = [name for name in OLD_NAMES if has_table(con, name)]
        _check_free(con, old)
        reporter.say(f"{warehouse}: moving {', '.join(old)} into {private_path(warehouse)}")
        if has_table(con, LOADS.name):
            _fill_private(con, warehouse, old, memory_limit, reporter)
        if has_table(con, TESTED_TABLES):  # nobody publishes it any more
            con.execute(f"delete from {TESTED_TABLES} where table_name in ({quoted_list(old)})")
        write_anew(con, warehouse, old)
    finally:
        con.close()
        remove_database(anew_path(warehouse))


def _holds_old(con: Connection) -> bool:
    return any(has_table(con, name) for name in OLD_NAMES)


def _check_free(con: Connection, old: list[str]) -> None:
    found = con.execute(
        f"""
        select schema_name || '.' || table_name from duckdb_constraints()
        where database_name = current_database() and constraint_type = 'FOREIGN KEY'
            and schema_name || '.' || referenced_table in ({quoted_list(old)})
        order by all
        """
    ).fetchall()
    if found:
        raise ElearnError(
            f"the foreign key of {found[0][0]} refers to a table that moves into the private file;"
            " drop the table that has the key; nothing was changed"
        )


def _fill_private(
    con: Connection,
    warehouse: Path,
    old: list[str],
    memory_limit: str | None,
    reporter: Reporter,
) -> None:
    """Write the private file with the rows of the old tables, in place of such rows of its own."""
    with read_private(con, warehouse, memory_limit) as before:
        private = NextPrivateFile(con, warehouse, before, memory_limit, reporter)
        try:
            private.leave_out(*(OLD_NAMES[name] for name in old))
            for name in old:
                _move(con, name, OLD_NAMES[name], before, private)
            private.seal()
        except BaseException:
            private.discard()
            raise
    private.put_in_place()


def _move(
    con: Connection, name: str, table: Table, before: PrivateFile, private: NextPrivateFile
) -> None:
    if table == REJECTED_ROWS and before.has(table):
        loads = con.execute(f"select distinct load_id from {name}").fetchall()
        others = f"load_id not in ({', '.join(str(load_id) for (load_id,) in loads)})"
        private.insert(table, before.reader(table, others if loads else "true"))
    columns = ", ".join(
        "cast(null as varchar) as user_text" if column == "user_text" else column
        for column in table.column_names
    )
    private.insert(table, con.sql(f"select {columns} from {name}").to_arrow_reader(BATCH_ROWS))
