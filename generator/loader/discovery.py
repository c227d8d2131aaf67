"""Which files an option of ``elearn load`` names: a file, a folder or a glob."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from generator.errors import UsageError, not_allowed
from generator.loader.csv_records import CUT_SHORT, compression_of, is_utf8, open_bytes

Kind = Literal["csv", "json", "parquet"]

KINDS: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""The kind of a file by the ending of its name, in lower case."""
COMPRESSED = (".gz", ".zst")
"""What may follow the ending of a text file."""
OTHER_COMPRESSIONS = (".bz2", ".xz", ".zip", ".7z", ".lz4", ".br", ".snappy", ".lzo", ".z")
NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
"""The value of a folder named column=value that stands for null."""

ALLOWED = (
    "a CSV, tab-separated or Parquet file that exists, text also gzipped or zstandard,"
    " a folder of such files, or a glob"
)
HIDDEN = "name starts with . or _"
"""The reason for which files are skipped that nobody wants to be told of one by one."""
SHOWN = 3
"""Files that are shown of those skipped for one reason."""

Talk = Callable[[str], None]
Folders = dict[str, str | None]
"""The column=value of the folders around a file, names in lower case; None for null."""


@dataclass(frozen=True)
class DataFile:
    """A file to read."""

    path: Path
    kind: Kind
    folders: Folders = field(default_factory=dict)


def data_files(option: str, texts: Sequence[str], talk: Talk) -> list[DataFile]:
    """Return the files that the texts of one option name, in the order of the texts.

    The files of a folder and of all folders below it, or of a glob, are sorted by name. A file
    that is named twice is read once.

    Parameters
    ----------
    option
        The option as it is typed, for messages.
    texts
        What was given: files, folders or globs. An existing file of exactly that name wins.
    talk
        Called with a line for each reason for which files are skipped.

    Raises
    ------
    UsageError
        A text names nothing, or something that is no regular file.
    """
    search = _Search(option)
    found: dict[str, DataFile] = {}
    for text in texts:
        for file in search.files_of(text):
            found.setdefault(os.path.realpath(file.path), file)
    for line in search.skipped_lines():
        talk(line)
    return list(found.values())


@dataclass
class _Search:
    option: str
    skipped: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    """Files that are not read, by reason."""
    seen: set[str] = field(default_factory=set)
    """Folders that were walked, so that links do not lead in circles."""

    def files_of(self, text: str) -> Iterator[DataFile]:
        path = Path(text)
        if not is_utf8(text) or not text or "\0" in text:
            raise not_allowed(self.option, text, ALLOWED)
        if self._exists(path):
            yield from self._folder(path, {}) if path.is_dir() else [self._named(path, {})]
            return
        matches = sorted(map(Path, glob.glob(text)))  # noqa: PTH207
        if not matches:
            raise not_allowed(self.option, text, ALLOWED)
        for match in matches:
            folders = self._columns({}, match.parts[_fixed_parts(text) : -1])
            if match.is_dir():
                yield from self._folder(match, self._columns(folders, match.parts[-1:]))
            elif not self._is_skipped_by_name(match):
                yield self._named(match, folders)

    def _exists(self, path: Path) -> bool:
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:  # a loop of links, a name too long, a folder that is closed to us
            if error.errno == errno.ENAMETOOLONG:
                return False
            raise self._unreadable(path, error) from error
        return True

    def _folder(self, folder: Path, folders: Folders) -> list[DataFile]:
        files = list(self._walk(folder, folders))
        if not files:
            allowed = f"a folder with a data file, named {', '.join(KINDS)}, or Parquet by content"
            raise not_allowed(self.option, folder, "; ".join([allowed, *self.skipped_lines()]))
        return files

    def _walk(self, folder: Path, folders: Folders) -> Iterator[DataFile]:
        """Yield the data files of a folder and of those below it."""
        if os.path.realpath(folder) in self.seen:
            return
        self.seen.add(os.path.realpath(folder))
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            raise self._unreadable(folder, error) from error
        for entry in entries:
            if self._is_skipped_by_name(entry):
                continue
            if entry.is_dir():
                yield from self._walk(entry, self._columns(folders, [entry.name]))
            else:
                yield from self._in_folder(entry, folders)

    def _in_folder(self, path: Path, folders: Folders) -> Iterator[DataFile]:
        self._check(path)
        kind = kind_of(path)
        if not path.stat().st_size:
            self.skipped["empty"].append(path)
        elif kind == "json":
            self.skipped["JSON"].append(path)
        elif kind is None or (kind == "csv" and not _kind_by_name(path)):
            self.skipped["no data file by name or content"].append(path)
        else:
            yield DataFile(path, kind, folders)

    def _named(self, path: Path, folders: Folders) -> DataFile:
        self._check(path)
        return DataFile(path, kind_of(path) or "csv", folders)

    def _is_skipped_by_name(self, path: Path) -> bool:
        if path.name.startswith((".", "_")):
            self.skipped[HIDDEN].append(path)
        elif path.name.lower().endswith(OTHER_COMPRESSIONS) and not path.is_dir():
            self.skipped["compressed, but not by gzip or zstandard"].append(path)
        else:
            return False
        return True

    def _columns(self, folders: Folders, names: Sequence[str]) -> Folders:
        """Return the columns of some folders and of those below them."""
        found = dict(folders)
        for name in names:
            column, sign, value = name.partition("=")
            if sign:
                column = unquote(column).strip().lower()
                if column in found:
                    raise UsageError(f"{self.option}: {column}= stands twice in a path, at {name}")
                found[column] = None if value == NULL_FOLDER else unquote(value)
        return found

    def _check(self, path: Path) -> None:
        """Raise for a path that cannot be read more than once, such as a pipe or a device."""
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise UsageError(
                    f"{self.option}: {path} is a pipe or a device; give a regular file"
                )
            with path.open("rb"):
                pass
        except OSError as error:
            raise self._unreadable(path, error) from error

    def _unreadable(self, path: Path, error: OSError) -> UsageError:
        return UsageError(f"{self.option}: {path} cannot be read: {error.strerror}")

    def skipped_lines(self) -> list[str]:
        """Return a line for each reason for which files were skipped."""
        return [
            f"{self.option}: {len(paths):,} skipped ({reason}){_examples(paths, reason)}"
            for reason, paths in self.skipped.items()
        ]


def _examples(paths: list[Path], reason: str) -> str:
    if reason == HIDDEN:
        return ""
    shown = ", ".join(str(path) for path in paths[:SHOWN])
    return f": {shown}{', ...' if paths[SHOWN:] else ''}"


def _fixed_parts(pattern: str) -> int:
    """Return how many parts of a pattern come before the first that is no plain name."""
    parts = Path(pattern).parts
    return len(parts) - len(list(dropwhile(lambda part: not glob.has_magic(part), parts)))


def kind_of(path: Path) -> Kind | None:
    """Return the kind of a file: by its name, else by its content; None when neither tells."""
    by_name = _kind_by_name(path)
    if by_name is not None:
        return by_name
    try:
        with open_bytes(path, compression_of(path)) as content:
            start = content.read(4)
    except CUT_SHORT:
        return None
    if start == b"PAR1":
        return "parquet"
    return "json" if start.removeprefix(b"\xef\xbb\xbf").startswith(b"{") else "csv"


def _kind_by_name(path: Path) -> Kind | None:
    name = path.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    kind = KINDS.get(Path(name).suffix)
    return None if kind == "parquet" and name != path.name.lower() else kind
