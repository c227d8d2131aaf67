"""Where a database file can be, told before anything opens it."""

from __future__ import annotations

import os
from pathlib import Path

from generator.errors import not_allowed

SCHEMAS = ("raw", "truth", "staging", "main", "bookkeeping")
"""Schemas of the warehouse; a file of such a name would make "raw.users" ambiguous."""

PRIVATE = "private"
"""The name by which a person attaches the private file."""


def check_path(
    path: Path, *, name: str = "warehouse", writable: bool = True, is_replaced: bool = False
) -> None:
    """Raise UsageError when no warehouse can be at the path.

    Parameters
    ----------
    path
        The file, there or not.
    name
        What the error calls it.
    writable
        Whether the file, or its folder, must take writes.
    is_replaced
        Whether the file is written anew, in a folder that is made when it is not there.
    """
    try:
        str(path).encode()
        is_folder, is_file = path.is_dir(), path.exists()
        folder = _existing_folder(path.parent) if is_replaced else path.parent
        has_folder = folder.is_dir()
    except UnicodeEncodeError as error:
        raise not_allowed(name, path, "a file name in UTF-8") from error
    except OSError as error:  # such as a name that is too long
        raise not_allowed(name, path, f"a file name ({error.strerror})") from error
    if {catalog_name(path), catalog_name(resolved(path))} & {*SCHEMAS}:
        raise not_allowed(name, path, "a file name that is not one of its schemas")
    if _is_private(path) or _is_private(resolved(path)):
        raise not_allowed(name, path, "a file name that is not one of a private file")
    if is_folder:
        raise not_allowed(name, path, "a file, not a folder")
    if not has_folder and not is_replaced:
        raise not_allowed(name, path, "a file in a folder that exists")
    if is_file and not _is_database(path):
        raise not_allowed(name, path, "a DuckDB file or a new name")
    if is_replaced and not (has_folder and os.access(folder, os.W_OK)):
        raise not_allowed(name, path, "a file in a folder that can be written")
    if writable and not is_replaced and not os.access(path if is_file else folder, os.W_OK):
        raise not_allowed(name, path, "a file that can be written")


def check_readable(path: Path, name: str) -> None:
    """Raise UsageError when a file is there that this person may not read."""
    if path.exists() and not os.access(path, os.R_OK):
        raise not_allowed(name, path, "a file that can be read")


def catalog_name(path: Path) -> str:
    """Return what DuckDB calls a file it opens, in which upper and lower case are one."""
    return path.name.partition(".")[0].lower()


def resolved(path: Path) -> Path:
    """Return what a path leads to in the end; a loop of links leads to itself."""
    return Path(os.path.realpath(path))


def private_path(warehouse: Path) -> Path:
    """Return where the private file of a warehouse stands: beside the file, not beside a link."""
    file = resolved(warehouse)
    return file.with_name(f"{file.name.removesuffix('.duckdb')}.{PRIVATE}.duckdb")


def next_path(private: Path) -> Path:
    """Return where the next private file waits until the warehouse is committed."""
    return private.with_name(private.name + ".next")


def _is_private(path: Path) -> bool:
    return catalog_name(path) == PRIVATE or path.name.lower().endswith(f".{PRIVATE}.duckdb")


def is_same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths lead to one file that is there."""
    try:
        return one.samefile(other)
    except OSError:  # such as a file that does not exist yet
        return False


def _existing_folder(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )


def _is_database(path: Path) -> bool:
    """Tell whether a file is empty or begins like one of DuckDB's."""
    if not path.is_file() or not os.access(path, os.R_OK):
        return path.is_file()
    with path.open("rb") as file:
        start = file.read(12)
    return not start or start[8:] == b"DUCK"
