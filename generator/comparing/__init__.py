"""Compare two warehouses or published files: the rows of raw and of the marts, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator.atomic_files import move_into, write_manifest, written_whole
from generator.comparing.differing import Differing
from generator.comparing.pair import Pair, read_pair
from generator.comparing.result import Comparison, TableResult
from generator.comparing.sides import Side, about, both_open
from generator.reporter import SILENT, Reporter
from generator.warehouse.file import Connection
from generator.warehouse.summary import MARTS
from generator.warehouse.tables import CONTENT_TABLES

COMPARED = (*(table.name for table in CONTENT_TABLES), *MARTS)
"""What both files must agree on. A table that neither file has is left out."""


def compare_files(
    one: Path,
    other: Path,
    output_dir: Path | None = None,
    *,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> Comparison:
    """Compare the content of two files, which are only read.

    Parameters
    ----------
    one, other
        Warehouses or published files, built by any version of this package, perhaps the same one.
    output_dir
        Folder for the differing rows, one Parquet file a table; None writes nothing.
    memory_limit
        Most memory that the engine takes, such as "1GB".
    reporter
        Told how far it is, in tables.

    Raises
    ------
    UsageError
        A file is no warehouse, or a table of it has no key.
    LockedError
        Another process writes one of them.
    """
    with both_open(one, other, memory_limit) as (con, sides):
        pairs = [pair for name in COMPARED if (pair := read_pair(con, sides, name)) is not None]
        with reporter.step("compare", total=len(pairs)):
            if output_dir is None:
                tables = _compare_all(con, pairs, None, reporter)
            else:
                with written_whole(output_dir, "output") as folder:
                    tables = _compare_all(con, pairs, folder, reporter)
                    write_manifest(folder, _manifest(con, sides))
                    move_into(folder, output_dir)
        return Comparison(about(con, sides[0]), about(con, sides[1]), tuple(tables))


def _compare_all(
    con: Connection, pairs: list[Pair], folder: Path | None, reporter: Reporter
) -> list[TableResult]:
    results = []
    for pair in pairs:
        differing = Differing(con, pair)
        result = differing.result()
        if folder is not None and result.differing_rows:
            differing.write(folder / f"{pair.name.partition('.')[2]}.parquet")
        results.append(result)
        reporter.advance(1)
    return results


def _manifest(con: Connection, sides: tuple[Side, Side]) -> dict[str, Any]:
    versions = [about(con, side).dataset_version for side in sides]
    return {"dataset_version": versions[1], "compared_with": versions[0]}
