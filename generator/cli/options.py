"""Options that several commands share, and their texts turned into values."""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from generator.errors import not_allowed
from generator.settings import ABOUT, DEFAULTS, Settings, range_of

DEFAULT_WAREHOUSE = Path("warehouse.duckdb")
DEFAULT_PUBLISHED = Path("published/elearn.duckdb")
DEFAULT_REPORT = Path("report.html")

Warehouse = Annotated[
    Path, typer.Option(envvar="ELEARN_WAREHOUSE", help="The DuckDB file.", metavar="FILE")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
Profile = Annotated[bool, typer.Option("--profile", help="Print what each part took.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
MemoryLimit = Annotated[
    str | None, typer.Option(help="Most memory that DuckDB takes, such as 4GB.", metavar="SIZE")
]
Workers = Annotated[
    str | None,
    typer.Option(
        help="Threads that simulate; parts on Spark.", metavar="N", show_default="all cores"
    ),
]

Published = Annotated[
    Path, typer.Option(help="The file for readers.", metavar="FILE", show_default=True)
]
Format = Annotated[
    str, typer.Option("--format", help="csv or parquet.", metavar="FORMAT", show_default=True)
]
Through = Annotated[
    str | None,
    typer.Option(help="Load only up to this day; a later day adds to it.", metavar="DATE"),
]
Generate = Annotated[
    bool, typer.Option("--generate/--no-generate", help="Simulate first, or keep the data.")
]
AllTests = Annotated[bool, typer.Option("--all-tests", help="Also test what passed before.")]
Replace = Annotated[bool, typer.Option(help="With --through: start over.")]

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="TOML file of settings; options win over it.", metavar="FILE"),
]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting and one for a file, and pass it ``settings``.

    The options are texts: Settings knows the ranges and says what is allowed.
    """
    signature = inspect.signature(command, eval_str=True)
    from_file = inspect.Parameter(
        "settings_file",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=SettingsFile,
    )
    options = [*map(_setting_option, DEFAULTS), from_file]
    others = [
        given.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, given in signature.parameters.items()
        if name != "settings"
    ]

    @functools.wraps(command)
    def with_parsed_settings(**arguments: Any) -> None:
        texts = {name: arguments.pop(name) for name in DEFAULTS}
        file = arguments.pop("settings_file")
        others = None if file is None else Settings.from_file(file)
        command(settings=Settings.from_text(others, **texts), **arguments)

    parameters = options + others
    shared: Any = with_parsed_settings  # typer reads both of these
    shared.__signature__ = signature.replace(parameters=parameters)
    shared.__annotations__ = {given.name: given.annotation for given in parameters}
    return with_parsed_settings


def _setting_option(name: str) -> inspect.Parameter:
    text = f"{ABOUT[name]['about']} ({range_of(name)})."
    option = typer.Option(help=text, show_default=str(DEFAULTS[name]), metavar="VALUE")
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )


def worker_count(text: str | None) -> int:
    """Return the number of workers; all cores by default."""
    if text is None:
        return os.cpu_count() or 1
    return whole_number("workers", text, 1, 256)


def whole_number(name: str, text: str, low: int, high: int) -> int:
    """Return the whole number that an option's text stands for."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
        raise not_allowed(name, text, f"a whole number from {low} to {high}")
    return int(text)


def one_of(name: str, text: str, choices: Sequence[str]) -> str:
    """Return an option's text when it is one of the choices."""
    if text not in choices:
        raise not_allowed(name, text, f"{', '.join(choices[:-1])} or {choices[-1]}")
    return text


def checked_memory_limit(text: str | None) -> str | None:
    """Return the memory limit when DuckDB will understand it."""
    if text is not None and not re.fullmatch(r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B", text):
        raise not_allowed("memory_limit", text, "a size such as 4GB")
    return text
