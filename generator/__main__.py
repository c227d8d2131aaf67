"""``elearn`` and ``python -m generator``: the same program."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

from generator.errors import stopped_by


def main() -> None:
    """Run the command line and exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    import_module("generator.cli.app").main()  # the import takes a good part of a second


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: nothing is open yet, and an import is no place to raise from."""
    print(f"Error: {stopped_by(number)}", file=sys.stderr, flush=True)
    os._exit(128 + number)


if __name__ == "__main__":
    main()
