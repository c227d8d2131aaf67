"""Decimal commas in mapped files: texts have them, numbers of a file or a mapping may not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generator.loader.mapping_file import read_mapping
from generator.loader.text_format import TextFormat
from tests.loader.desk import Desk, as_csv
from tests.loader.test_mapping import load_mapped

MAPPING = """
decimal = ","
[events]
event_id = "id"
user_id = { from = "user", default = 9 }
event_time = "day"
event_type = { default = "payment_success" }
watch_minutes = { from = "length", default = DEFAULT, unit = "seconds" }
quiz_score = { from = "grade", of = "most", values = { "none" = 0.5 }, default = "1,5" }
amount = { from = "paid", values = { "free" = "0.25" } }
"""
ROWS = [
    {"id": "1", "user": "1.0", "length": "90.3", "grade": "2.5", "most": "4.0", "paid": "12.5"},
    {"id": "2", "user": "", "length": "", "grade": "", "most": "4.0", "paid": "free"},
    {"id": "3", "user": "2.0", "length": "30.0", "grade": "none", "most": "0.8", "paid": "0.1"},
]
STORED = [
    (1, 1, 1.505, 62.5, 12.5),
    (2, 9, 0.025, 37.5, 0.25),
    (3, 2, 0.5, 62.5, 0.1),
]


@pytest.mark.parametrize("default", ["1.5", '"1,5"', '"1.5"'])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_numbers_of_a_file_and_of_a_mapping_are_read_by_their_own_mark(
    desk: Desk, kind: str, default: str
) -> None:
    rows = [row | {"day": "2025-01-02"} for row in ROWS]
    path = desk.folder / f"events.{kind}"
    if kind == "csv":
        commas = [{name: cell.replace(".", ",") for name, cell in row.items()} for row in rows]
        path.write_bytes(as_csv(commas, delimiter=";"))
    else:
        write_numbers(path, rows)
    load_mapped(desk, MAPPING.replace("DEFAULT", default), [str(path)])
    columns = "event_id, user_id, watch_minutes, quiz_score, amount"
    assert desk.query(f"select {columns} from raw.events order by all") == STORED


def write_numbers(path: Path, rows: list[dict[str, str]]) -> None:
    """Write numbers as such; a column with words has texts with a comma."""
    columns: dict[str, list[float | str | None]] = {}
    for name in rows[0]:
        cells = [row[name] or None for row in rows]
        if name in ("user", "length", "most"):
            columns[name] = [None if cell is None else float(cell) for cell in cells]
        else:
            columns[name] = [None if cell is None else cell.replace(".", ",") for cell in cells]
    pq.write_table(pa.table(columns), path)


def test_folders_have_points_and_dates_in_iso_whatever_the_options_say(desk: Desk) -> None:
    row = {"id": "1", "user": "1", "grade": "1,5", "most": "3", "paid": "0,5"}
    desk.file("lake/length=90.3/day=2025-01-02/a.csv", as_csv([row], delimiter=";"))
    text = MAPPING.replace("DEFAULT", "1.5")
    mapping = read_mapping(desk.file("mapping.toml", text.encode()))
    options = TextFormat.of(mapping, [], None, "%d.%m.%Y", None)
    files = [str(desk.folder / "lake")]
    desk.load_files([], files, mapping=mapping, text_format=options)
    columns = "event_date::varchar, watch_minutes, quiz_score, amount"
    assert desk.query(f"select {columns} from raw.events") == [("2025-01-02", 1.505, 50, 0.5)]
