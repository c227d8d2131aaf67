"""What the build asked, and whether the simulator's own probabilities can answer it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from generator.ceiling.posterior import Label
from generator.ceiling.reading import Reader
from generator.errors import ElearnError
from generator.reporter import Reporter
from generator.settings import DEFAULTS, Settings
from generator.simulation import simulate_blocks
from generator.simulation.event_types import COURSE_ENROLL, LOGIN, QUIZ_ATTEMPT, VIDEO_WATCH
from generator.simulation.rows import Rows
from generator.sinks.daily import within
from generator.sinks.tally import Tally
from generator.vocabulary import EVENT_TYPES
from generator.warehouse.build_info import read_vars
from generator.warehouse.file import Connection
from generator.warehouse.sql import one_row
from generator.warehouse.summary import check_built
from generator.warehouse.tables import BUILD_INFO, LOADS
from generator.warehouse.versions import dataset_version

ENGAGEMENT = {EVENT_TYPES[code] for code in (LOGIN, COURSE_ENROLL, VIDEO_WATCH, QUIZ_ATTEMPT)}
"""What makes a day active whose activity the simulator draws."""
REAL_DATA = (
    "the ceiling is known for simulated data alone; nobody knows the probabilities behind real data"
)


class Question(NamedTuple):
    """What the ceiling is asked for."""

    reader: Reader
    label: Label
    dataset_version: str


def read_question(con: Connection, warehouse: Path, reporter: Reporter) -> Question:
    """Return what the build asked.

    Raises
    ------
    ElearnError
        The content is not a simulation's, or the build is not one that the ceiling knows.
    """
    check_built(con, warehouse)
    reader = Reader(con, *_simulation(con, warehouse))
    version = dataset_version(con)
    label = _label(con, warehouse, version)
    _check_days(reader, warehouse)
    with reporter.step("check", total=reader.settings.n_users):
        if simulated_version(reader, reporter) != version:
            raise ElearnError(
                f"{warehouse}: the content is not what the settings of the load history simulate;"
                " there is no ceiling for files that were loaded or rows that were changed"
            )
    return Question(reader, label, version)


def simulated_version(reader: Reader, reporter: Reporter) -> str:
    """Simulate once more, for the users and days that are there, and return the version."""
    content = Tally()
    blocks = simulate_blocks(reader.settings, workers=1)
    days = reader.settings.start_date, reader.through
    for rows in within(_of_users(blocks, reader), *days):
        content.add(rows)
        reporter.advance(rows["raw.users"].num_rows)
    return content.version


def _of_users(blocks: Iterator[Rows], reader: Reader) -> Iterator[Rows]:
    """Leave out the users who were erased."""
    there = pa.array(reader.user_ids())
    for rows in blocks:
        if len(there) < reader.settings.n_users:
            yield {
                name: table.filter(pc.is_in(table["user_id"], there))
                for name, table in rows.items()
            }
        else:
            yield rows


def _simulation(con: Connection, warehouse: Path) -> tuple[Settings, date]:
    """Return the settings of the last simulation, and the day up to which it is loaded."""
    found = con.execute(
        f"select settings from {LOADS.name} where kind = 'simulated' order by load_id desc limit 1"
    ).fetchall()
    if not found:
        raise ElearnError(f"{warehouse}: {REAL_DATA}")
    stored = json.loads(found[0][0])
    given = {name: value for name, value in stored.items() if name in DEFAULTS}
    given["start_date"] = date.fromisoformat(given["start_date"])
    settings = Settings(**given)
    through = stored.get("through")
    return settings, date.fromisoformat(through) if through else settings.last_date


def _label(con: Connection, warehouse: Path, version: str) -> Label:
    """Return what the labels ask, by the vars of the build."""
    given = read_vars(con, warehouse)
    [built_from] = one_row(con, f"select dataset_version from {BUILD_INFO.name}")
    if built_from != version:
        raise ElearnError(
            f"{warehouse}: the marts were built from other data; run `elearn build` first"
        )
    if set(given["engagement_event_types"]) != ENGAGEMENT:
        raise ElearnError(
            f"{warehouse}: engagement_event_types is not {', '.join(sorted(ENGAGEMENT))}; for other"
            " kinds of activity the ceiling is not known"
        )
    return Label(given["label_gap_days"], given["label_window_days"])


def _check_days(reader: Reader, warehouse: Path) -> None:
    query = "select min(as_of_date), max(as_of_date) from main.user_daily"
    first, last = one_row(reader.con, query)
    start, through = reader.settings.start_date, reader.through
    if first is not None and not (start <= first and last <= through):
        if _are_files_loaded(reader.con):
            raise ElearnError(f"{warehouse}: {REAL_DATA}")
        raise ElearnError(
            f"{warehouse}: the build is about the days {first} to {last}, and simulated are"
            f" {start} to {through}; build with first_day and last_day within these"
        )


def _are_files_loaded(con: Connection) -> bool:
    """Tell whether files were loaded over the last simulation, or into it."""
    kinds = f"select kind from {LOADS.name} where kind <> 'erased' order by load_id desc limit 1"
    return one_row(con, kinds) == ("files",)
