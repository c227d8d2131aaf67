"""What a person asks to erase: one user, one event, or a file of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from generator.errors import UsageError, not_allowed
from generator.loader.text_format import BLANKS

OPTIONS = ("user_id", "user_key", "file", "event_id", "event_file")
MAX_NUMBER = 2**63 - 1


class Wanted(NamedTuple):
    """Whom or what to erase, as it was given."""

    option: str
    """One of OPTIONS."""
    texts: tuple[str, ...]
    """Each once, trimmed."""

    @property
    def is_events(self) -> bool:
        """Whether events are meant and not users."""
        return self.option in ("event_id", "event_file")

    @property
    def numbers(self) -> list[int]:
        """The texts as ids.

        Raises
        ------
        UsageError
            A text is no id.
        """
        for text in self.texts:
            if not re.fullmatch(r"[+-]?[0-9]{1,19}", text) or abs(int(text)) > MAX_NUMBER:
                if self.option.endswith("file"):  # which may hold what is private
                    raise UsageError("a line of it is no whole number, as ids are", self.option)
                raise not_allowed(self.option, text, "a whole number")
        return list(dict.fromkeys(map(int, self.texts)))


def wanted_of(given: Mapping[str, Sequence[str]]) -> Wanted:
    """Return what the options ask for, by their names in OPTIONS, each with all that it was given.

    Raises
    ------
    UsageError
        Not exactly one is given, a file cannot be read, or nobody is named.
    """
    found = [(option, text) for option, texts in given.items() for text in texts]
    if len(found) != 1:
        options = ", ".join("--" + option.replace("_", "-") for option in OPTIONS)
        raise UsageError(f"give exactly one of {options}, once; a file takes several")
    [(option, text)] = found
    lines = _lines(option, Path(text)) if option.endswith("file") else [text]
    texts = dict.fromkeys(line.strip(BLANKS) for line in lines)
    texts.pop("", None)
    if not texts:
        raise UsageError("nothing is named that could be erased", option)
    return Wanted(option, tuple(texts))


def _lines(option: str, path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise not_allowed(option, path, "a text file in UTF-8") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise not_allowed(option, path, f"a file that can be read ({reason})") from error
