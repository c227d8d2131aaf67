"""Measure work against a yardstick, in turn, each time in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKERS = os.cpu_count() or 1


@dataclass
class Clock:
    """What the timed part of some work took."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    """Of the process and of those that it started, as far as they ended."""

    @contextmanager
    def running(self) -> Iterator[None]:
        started, worked = time.perf_counter(), sum(os.times()[:4])
        yield
        self.seconds += time.perf_counter() - started
        self.processor_seconds += sum(os.times()[:4]) - worked


@dataclass(frozen=True)
class Measure:
    seconds: float
    peak_bytes: int
    """Peak resident memory of the process, and of the largest that it started."""
    result: Any = None
    processor_seconds: float = 0.0


@dataclass(frozen=True)
class Row:
    """One row of the table: what took how long, and against what."""

    what: str
    ours: float
    yardstick: float
    target: float
    peak_bytes: int
    unit: str = "s"
    processor_ratio: float | None = None
    """The ratio in processor time, which other work on the machine disturbs less."""

    @classmethod
    def of(cls, what: str, ours: Measure, yardstick: Measure, target: float) -> Row:
        """Return the row of one measure against another."""
        ratio = ours.processor_seconds / yardstick.processor_seconds
        peak = ours.peak_bytes
        return cls(what, ours.seconds, yardstick.seconds, target, peak, processor_ratio=ratio)

    @property
    def ratio(self) -> float:
        return self.ours / self.yardstick

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.target


def measured(work: Callable[..., Any], *arguments: Any) -> Measure:
    """Call ``work(clock, *arguments)`` in a new process; its clock says what is timed."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, _be_a_program) as pool:
        return pool.apply(_measure, (work, arguments))


def _be_a_program() -> None:
    """Have a main module with a file: without, DuckDB sees a person and draws progress bars.

    DuckDB looks when it is imported, so what imports it must come later.
    """
    sys.modules["__main__"].__file__ = __file__


def _measure(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Measure:
    clock = Clock()
    result = work(clock, *arguments)
    return Measure(clock.seconds, peak_bytes(), result, clock.processor_seconds)


def peak_bytes() -> int:
    """Return the peak resident memory of this process, or of the largest that it started.

    Linux counts the peak of the process that started this one into ``ru_maxrss``, but not into
    VmHWM. What this process starts is at least as large as itself in ``ru_maxrss``.
    """
    status = Path("/proc/self/status").read_text()
    [own] = re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(int(own), children) * 1024


def best(measures: list[Measure]) -> Measure:
    """Return the fastest of several measures: what disturbs a run only ever adds to it."""
    return min(measures, key=lambda measure: measure.seconds)


def table(rows: list[Row]) -> str:
    """Return all rows as the table that ``make bench`` prints."""
    lines = [
        f"{'what':<50}{'ours':>9}{'yardstick':>11}{'ratio':>7}{'(CPU)':>7}{'target':>8}"
        f"  {'met':<4}{'peak':>9}"
    ]
    for row in rows:
        numbers = f"{row.ours:>7.2f} {row.unit}{row.yardstick:>9.2f} {row.unit}"
        met = "yes" if row.is_met else "no"
        memory = f"{row.peak_bytes / 2**20:>6,.0f} MB"
        processor = "" if row.processor_ratio is None else f"{row.processor_ratio:.2f}"
        lines.append(
            f"{row.what:<50}{numbers}{row.ratio:>7.2f}{processor:>7}{row.target:>8.2f}"
            f"  {met:<4}{memory}"
        )
    return "\n".join(lines)
