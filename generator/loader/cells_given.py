"""The cells of staged rows as they were given, for a look at a mapping."""

from __future__ import annotations

import pyarrow as pa

from generator.loader.csv_records import BROKEN
from generator.loader.mapping import WORDS, Entry
from generator.loader.reader import ROW, ROW_ID, cells_of, read_batches, relation, with_cells
from generator.loader.staging import StagedFile, Staging


def cells_table(staging: Staging) -> str:
    """Return the name of the table of the cells as they were given."""
    return f"temp.found_{staging.label}"


def _columns(staging: Staging) -> list[str]:
    """Return the columns whose cells are of interest: the user, the type, and what has values."""
    always = [name for name in ("user_id", "event_type") if name in staging.rules.columns]
    return list(dict.fromkeys([*always, *(entry.column for entry in columns_with_values(staging))]))


def columns_with_values(staging: Staging) -> list[Entry]:
    """Return the columns that take some texts only; users stay private."""
    return [
        entry
        for entry in (staging.mapping.entries if staging.mapping else ())
        if entry.values and (entry.names_all or entry.column in WORDS)
        if entry.column != "user_id"
    ]


def read_cells(staging: Staging) -> None:
    """Read the files once more, for their cells as they were given."""
    con, columns = staging.con, _columns(staging)
    texts = ", ".join(f"{column} varchar" for column in columns)
    columns_of_table = f"row_id bigint, {texts}, fault utinyint, is_read bool"
    con.execute(f"create temp table {cells_table(staging)} ({columns_of_table})")
    for file in staging.files:
        if file.is_sound:
            place = f"{file.first_row} - 1 + row_number() over () as {ROW_ID}"
            _keep_cells(
                staging, file, f"select {place}, null as {ROW}, * from {relation(file.source)}"
            )
            continue
        first = file.first_row
        for batch in read_batches(file.source):
            cells = cells_of(batch, file.source)
            numbers = range(first, first + len(batch))
            con.register("incoming", _numbered(cells, list(numbers)))
            _keep_cells(staging, file, "from incoming")
            con.unregister("incoming")
            first += len(batch)


def _numbered(cells: dict[str, pa.Array], numbers: list[int]) -> pa.Table:
    return pa.table({ROW_ID: numbers, ROW: pa.nulls(len(numbers), pa.string())} | cells)


def _keep_cells(staging: Staging, file: StagedFile, rows: str) -> None:
    columns = _columns(staging)
    texts = ", ".join(f"cells.{column}" for column in columns)
    staging.con.execute(
        f"""
        insert into {cells_table(staging)}
        select cells.row_id, {texts}, staged.fault, coalesce(staged.fault > {len(BROKEN)}, true)
        from ({with_cells(file.source, rows, columns)}) as cells
        inner join {staging.name} as staged on staged.rowid = cells.row_id
        """
    )
