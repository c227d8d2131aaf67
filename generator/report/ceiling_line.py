"""The best possible prediction, as ``elearn ceiling --output`` wrote it, beside the features."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from generator.errors import not_allowed
from generator.warehouse.build_info import read_vars
from generator.warehouse.file import Connection
from generator.warehouse.sql import one_row
from generator.warehouse.tables import BUILD_INFO

ROWS_WITHOUT = """
select count(*) from main.training_dataset as rows anti join ceiling using (user_id, as_of_date)
"""


def read_ceiling(con: Connection, warehouse: Path, path: Path) -> None:
    """Let queries read the probabilities of training_dataset's rows as ``ceiling``.

    Raises
    ------
    UsageError
        The file is not the ceiling of this build: another content or other vars give other
        labels, even to the same rows.
    """
    refused = not_allowed(
        "ceiling", path, "what `elearn ceiling --output FILE` wrote from this build"
    )
    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise refused from error
    told = table.schema.metadata or {}
    [version] = one_row(con, f"select dataset_version from {BUILD_INFO.name}")
    build = {"dataset_version": version, "vars": json.dumps(read_vars(con, warehouse))}
    if any(told.get(name.encode()) != text.encode() for name, text in build.items()):
        raise refused
    con.register("ceiling", table)
    if one_row(con, ROWS_WITHOUT) != (0,):
        raise refused
