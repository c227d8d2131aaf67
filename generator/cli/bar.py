"""The bar of one step on a terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """Shows how far a step is while its body runs, and is gone after it."""

    def __init__(self, name: str, total: float | None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(name, total=total, note="")
        self._total = total
        self._started = time.monotonic()
        self._done = Counter[str]()

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def advance(self, amount: float, done: Mapping[str, int]) -> None:
        """Move the bar on, and say how many of what are done."""
        self._done.update(done)
        self._progress.update(self._task, advance=amount, note=self._note())

    def _note(self) -> str:
        """Return the numbers, the first one of the total, and how fast the last one grows."""
        if not self._done:
            return ""
        parts = [f"{number:,} {name}" for name, number in self._done.items()]
        first, *_, last = self._done
        parts[0] = f"{self._done[first]:,} of {self._total:,} {first}"
        rate = self._done[last] / max(time.monotonic() - self._started, 1e-3)
        return "  ".join([*parts, f"{rate:,.0f} {last}/s"])
