"""Which files an option of ``elearn load`` names: a file, a folder or a glob."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from generator.errors import UsageError, not_allowed
from generator.loader.csv_records import is_utf8

SUFFIXES = (".csv", ".csv.gz", ".parquet")
"""How the names of a folder's data files end; a file that is named may be called anything."""

ALLOWED = "a CSV, gzipped CSV or Parquet file that exists, a folder of such files, or a glob"


def input_files(option: str, texts: Sequence[str]) -> list[Path]:
    """Return the files that the texts of one option name, in the order of the texts.

    The files of a folder or a glob are sorted by name. A file that is named twice is read once.

    Parameters
    ----------
    option
        Name of the option, for messages.
    texts
        What was given: files, folders or globs. An existing file of exactly that name wins.

    Raises
    ------
    UsageError
        A text names nothing, or something that is no regular file.
    """
    found: dict[str, Path] = {}
    for text in texts:
        for path in _files_of(option, text):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _files_of(option: str, text: str) -> list[Path]:
    path = Path(text)
    if not is_utf8(text) or not text or "\0" in text:
        raise not_allowed(option, text, ALLOWED)
    if _exists(option, path):
        return _folder_files(option, path) if path.is_dir() else [_checked(option, path)]
    matches = [Path(match) for match in sorted(glob.glob(text))]  # noqa: PTH207
    files = [_checked(option, match) for match in matches if not match.is_dir()]
    if not files:
        raise not_allowed(option, text, ALLOWED)
    return files


def _exists(option: str, path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:  # a loop of links, a name too long, a folder that is closed to us
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise UsageError(f"{option}: {path} cannot be read: {error.strerror}") from error
    return True


def _folder_files(option: str, folder: Path) -> list[Path]:
    """Return the data files of a folder and of its partitions, folders named ``name=value``."""
    files: list[Path] = []
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{option}: {folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if "=" in entry.name and not entry.is_symlink():
                files += _folder_files(option, entry)
        elif entry.name.lower().endswith(SUFFIXES):
            files.append(_checked(option, entry))
    if not files:
        raise UsageError(f"{option}: the folder {folder} holds no {', '.join(SUFFIXES)} file")
    return files


def _checked(option: str, path: Path) -> Path:
    """Return a path that can be read more than once, which a pipe or a device cannot."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{option}: {path} is a pipe or a device; give a regular file")
        with path.open("rb"):
            return path
    except OSError as error:
        raise UsageError(f"{option}: {path} cannot be read: {error.strerror}") from error
