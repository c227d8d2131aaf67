"""The text of a mapping: a shipped one, or that of a file."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from generator.errors import UsageError, not_allowed

SHIPPED = resources.files("generator.loader") / "mappings"
MAX_BYTES = 1_000_000
MAX_KEY_PARTS = 20
_NO_KEY = re.compile(r"""\"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#.*""")
_LONG_KEY = re.compile(rf"(?<![\w'-])(?:[\w'-]++[ \t]*+\.[ \t]*+){{{MAX_KEY_PARTS}}}")
"""Reading a key of n parts takes the memory of n * n texts."""


def shipped_names() -> list[str]:
    """Return the names of the shipped mappings."""
    names = (Path(file.name) for file in SHIPPED.iterdir())
    return sorted(name.stem for name in names if name.suffix == ".toml")


def shipped_text(name: str) -> str:
    """Return the text of a shipped mapping.

    Raises
    ------
    UsageError
        There is no such mapping.
    """
    if name not in shipped_names():
        raise not_allowed("--show-mapping", name, f"one of {', '.join(shipped_names())}")
    return (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")


def text_of(given: str) -> str:
    """Return the text of the mapping of that name, or else of that file.

    Raises
    ------
    UsageError
        There is no such mapping, or reading it would take too much.
    """
    text = shipped_text(given) if given in shipped_names() else _text_of_file(given)
    if _LONG_KEY.search(_NO_KEY.sub("''", text)):
        raise UsageError(f"{given}: a key has over {MAX_KEY_PARTS} parts; a mapping needs three")
    return text


def _text_of_file(given: str) -> str:
    allowed = f"a TOML file, or one of {', '.join(shipped_names())}"
    try:
        path = Path(given)
        if not path.is_file():
            raise not_allowed("--mapping", given, allowed)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(f"{given}: over {MAX_BYTES:,} bytes; a mapping is smaller")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{given}: not TOML in UTF-8; give {allowed}") from error
    except (OSError, ValueError) as error:
        raise not_allowed("--mapping", given, allowed) from error
