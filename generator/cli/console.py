"""How commands speak: results on stdout, talk and progress on stderr, errors in one line."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from generator.errors import ElearnError, first_line, stopped_by
from generator.reporter import Reporter

if TYPE_CHECKING:
    from generator.cli.bar import Bar


class Voice(Reporter):
    """Prints what one command does, as its --quiet, --json and --profile say."""

    def __init__(
        self, quiet: bool = False, as_json: bool = False, with_profile: bool = False
    ) -> None:
        self.quiet = quiet
        self.as_json = as_json
        self.with_profile = with_profile
        self.seconds: dict[str, float] = {}
        """What each step took, in the order of the steps."""
        self.details: dict[str, float] = {}
        """The same for parts of the steps."""
        self._bar: Bar | None = None

    def say(self, line: str) -> None:
        """Say what goes on."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def complain(self, lines: list[str]) -> None:
        """Print what an error is about, whether quiet or not."""
        for line in lines:
            print(line, file=sys.stderr)

    def result(self, lines: list[str], values: dict[str, Any]) -> None:
        """Print the result: lines for people, or one JSON object for scripts.

        What the steps took comes last.
        """
        details = self.seconds | self.details if self.with_profile else {}
        if self.as_json:
            print(json.dumps(values | {"seconds": self.seconds | details}))
            return
        lines = lines + [f"{name:<28}{taken:>14.2f} s" for name, taken in details.items()]
        print("\n".join(lines), flush=True)
        if self.seconds:
            steps = ", ".join(f"{name} {taken:.1f} s" for name, taken in self.seconds.items())
            self.say(f"{'took':<28}{steps}")

    @contextmanager
    def step(self, name: str, total: float | None = None) -> Iterator[None]:
        """Time one step of the command, and show its bar on a terminal."""
        started = time.monotonic()
        if self.quiet or not sys.stderr.isatty():
            yield
        else:
            from generator.cli.bar import Bar  # it takes a while to import

            with Bar(name, total) as self._bar:
                yield
            self._bar = None
        self.seconds[name] = round(time.monotonic() - started, 3)

    def advance(self, amount: float, **done: int) -> None:
        """Move the bar of the step on."""
        if self._bar is not None:
            self._bar.advance(amount, done)


class Stopped(BaseException):
    """SIGINT or SIGTERM arrived; unwinds everything, so that transactions roll back."""


def run(command: Callable[[], int | None]) -> NoReturn:
    """Run the command line, and end the process with the right line and exit code."""
    arrived: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        arrived.append(number)
        if _is_within(frame, drop):  # what is raised there is dropped too
            send_again()
        else:
            raise Stopped

    def send_again() -> None:
        threading.Timer(0.01, os.kill, (os.getpid(), arrived[0])).start()

    def drop(unraisable: Any) -> None:
        """Python drops what is raised in a destructor: there, a stop has to come once more."""
        if isinstance(unraisable.exc_value, Stopped):
            send_again()
        else:
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = drop
    _handle_signals(stop)
    _open_streams()
    try:
        code = command() or 0
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # click turns the one into the other
        os._exit(1)  # the reader of our output left; there is nobody to tell
    except BaseException as error:
        _handle_signals(signal.SIG_IGN)  # a second one has nothing left to stop
        code = _complain_of(error, arrived)
    _handle_signals(signal.SIG_IGN)  # the rest is the interpreter's end
    if arrived:  # which threads that were left at work may crash
        os._exit(code)
    sys.exit(code)


def _is_within(frame: FrameType | None, function: Callable[..., Any]) -> bool:
    """Tell whether a function is at work in a frame or called what is."""
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame is not None


def _handle_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _complain_of(error: BaseException, arrived: list[int]) -> int:
    """Say what ended the command; what a handler raised may come back as any other error."""
    if arrived:
        return _complain(stopped_by(arrived[0]), 128 + arrived[0])
    if isinstance(error, ElearnError):
        return _complain(str(error), error.exit_code)
    return _complain(f"unexpected {type(error).__name__}: {first_line(error)}", 1)


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
