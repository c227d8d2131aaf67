"""Names of a mapping: columns, and paths into objects."""

from __future__ import annotations

import re
from typing import Any

from generator.loader.csv_records import is_utf8

Step = str | int
"""A key of an object, or the position of an element from 0."""

FILE_NAME = "$file"
"""The name that stands for the file's name without its endings."""
MAX_STEPS = 100
_STEP = re.compile(r"""(?:\.|^)(?:"([^"]*)"|([^."\[\]]+))|\[(\d{1,6})\]""")


def is_path(name: Any) -> bool:
    """Tell whether a value of a mapping may be the name of a column or a path."""
    is_text = isinstance(name, str) and 0 < len(name) <= 10_000
    return is_text and is_utf8(name) and "\0" not in name


def steps_of(name: str) -> tuple[Step, ...]:
    """Return the steps of a path; those of a name that is no path are the name itself."""
    steps: list[Step] = []
    position = 0
    while position < len(name):
        found = _STEP.match(name, position)
        if found is None:
            return (name,)
        in_quotes, plain, element = found.groups()
        steps.append(int(element) if element is not None else in_quotes or plain or "")
        position = found.end()
    is_usable = isinstance(steps[0], str) and len(steps) <= MAX_STEPS
    return tuple(steps) if is_usable else (name,)
