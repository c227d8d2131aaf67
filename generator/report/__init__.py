"""``elearn report``: the warehouse as one HTML page with plots."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.atomic_files import replaced_file, written_whole
from generator.errors import ElearnError, not_allowed
from generator.extras import pip_install
from generator.warehouse.file import read_warehouse
from generator.warehouse.paths import is_same_file
from generator.warehouse.summary import check_built

if TYPE_CHECKING:
    from generator.report.figures import Figure


LIBRARIES = ("altair", "vl_convert")

PICTURE_WIDTH = 760


@dataclass(frozen=True)
class Report:
    """What was written, and what the data lack for."""

    report: str
    charts: list[str]
    missing: dict[str, str]
    """What stands on the page in place of a chart, by the chart's name."""
    pictures: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)

    def as_lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        lines = [f"{'charts':<28}{len(self.charts):>14,}"]
        lines += [f"{name:<28}{sentence}" for name, sentence in self.missing.items()]
        lines += [f"{'picture':<28}{path}" for path in self.pictures]
        return [*lines, f"{'report':<28}{self.report}"]


def write_report(
    warehouse: Path,
    output: Path,
    png: Path | None = None,
    memory_limit: str | None = None,
    ceiling: Path | None = None,
) -> Report:
    """Write the page of a warehouse or of a published copy, and the pictures.

    Parameters
    ----------
    warehouse
        A warehouse with marts, or a published copy.
    output
        The page.
    png
        Folder for the pictures.
    memory_limit
        Most memory that DuckDB takes.
    ceiling
        What ``elearn ceiling --output`` wrote from the same build; its line is drawn beside the
        features.

    Raises
    ------
    UsageError
        The page or the pictures cannot be written where they should be, or the ceiling is not
        that of this build.
    ElearnError
        A library or a mart is not there.
    """
    _check_libraries()
    from generator.report import (  # noqa: PLC0415 - need the extra
        ceiling_line,
        churn,
        facts,
        figures,
        page,
    )

    if is_same_file(output, warehouse):
        raise not_allowed("output", output, "a file that is not the warehouse")
    if ceiling is not None and is_same_file(output, ceiling):
        raise not_allowed("output", output, "a file that is not the ceiling")
    with read_warehouse(warehouse, memory_limit) as con:
        check_built(con, warehouse)
        churn.prepare(con)
        if ceiling is not None:
            ceiling_line.read_ceiling(con, warehouse, ceiling)
        found = facts.read_facts(con, warehouse, has_ceiling=ceiling is not None)
        drawn = figures.figures(con, found)
    with replaced_file(output, "output") as new:  # before what takes seconds
        pictures = [] if png is None else _write_pictures(drawn, png)
        new.write_bytes(page.render(found, drawn).encode())
    return Report(
        report=str(output),
        charts=[figure.name for figure in drawn if figure.chart is not None],
        missing={figure.name: figure.reading for figure in drawn if figure.chart is None},
        pictures=pictures,
    )


def _check_libraries() -> None:
    if not all(find_spec(name) for name in LIBRARIES):
        raise ElearnError(f"the report needs more libraries: {pip_install('report')}")


def _write_pictures(figures: list[Figure], png: Path) -> list[str]:
    """Write each chart as a picture; an old picture of a chart that is missing now goes."""
    with written_whole(png, "png") as folder:
        for figure in figures:
            if figure.chart is not None:
                sized = figure.chart.properties(title=figure.title, width=PICTURE_WIDTH)
                sized.save(folder / f"{figure.name}.png", scale_factor=2)
        for figure in figures:
            (png / f"{figure.name}.png").unlink(missing_ok=True)
        return [str(path.replace(png / path.name)) for path in sorted(folder.iterdir())]
