"""How commands speak: results on stdout, talk and progress on stderr, errors in one line."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from generator.errors import ElearnError
from generator.sql import first_line


@dataclass(frozen=True)
class Voice:
    """Where one command prints, as its --quiet and --json say."""

    quiet: bool = False
    as_json: bool = False

    def talk(self, line: str) -> None:
        """Say what goes on."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def complain(self, lines: list[str]) -> None:
        """Print what an error is about, whether quiet or not."""
        print("\n".join(lines), file=sys.stderr)

    def result(self, lines: list[str], values: dict[str, Any]) -> None:
        """Print the result: lines for people, or one JSON object for scripts."""
        print(json.dumps(values) if self.as_json else "\n".join(lines))

    @contextmanager
    def progress(self, total_users: int) -> Iterator[Callable[[int, int], None]]:
        """Show a bar of users, with events and their rate; only on a terminal."""
        bar = Progress(
            TextColumn("simulating"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} users"),
            TextColumn("{task.fields[events]:,} events"),
            TextColumn("{task.fields[rate]:,.0f} events/s"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=self.quiet or not sys.stderr.isatty(),
            transient=True,
        )
        started, events_done = time.monotonic(), 0
        with bar:
            task = bar.add_task("simulating", total=total_users, events=0, rate=0.0)

            def advance(users: int, events: int) -> None:
                nonlocal events_done
                events_done += events
                rate = events_done / max(time.monotonic() - started, 1e-3)
                bar.update(task, advance=users, events=events_done, rate=rate)

            yield advance


class Stopped(BaseException):
    """SIGINT or SIGTERM arrived; unwinds everything, so that transactions roll back."""


def run(command: Callable[[], int | None]) -> NoReturn:
    """Run the command line, and end the process with the right line and exit code."""
    stopped_by: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped_by.append(number)
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    _open_streams()
    try:
        code = command() or 0
        sys.stdout.flush()
    except ElearnError as error:
        code = _complain(str(error), error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; there is nobody to tell
        code = 1
    except BaseException as error:  # DuckDB turns what a handler raises into an error of its own
        if not stopped_by:
            sys.exit(_complain(f"unexpected {type(error).__name__}: {first_line(error)}", 1))
        name = signal.Signals(stopped_by[0]).name
        code = _complain(f"stopped by {name}; what was not finished is undone", 128 + stopped_by[0])
    sys.exit(code)


def _open_streams() -> None:
    """Make stdout and stderr take any text, and be there even where the caller closed them."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _complain(line: str, code: int) -> int:
    print(f"Error: {line}", file=sys.stderr)
    return code
