"""Which files an option of ``elearn load`` names: a file, a folder or a glob."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from generator.errors import UsageError, not_allowed
from generator.loader.csv_records import CUT_SHORT, compression_of, is_utf8, open_bytes
from generator.reporter import SILENT, Reporter

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
READ = tuple(KINDS)
OTHER_COMPRESSIONS = (".bz2", ".xz", ".zip", ".7z", ".lz4", ".br", ".snappy", ".lzo", ".z")
NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
"""The value of a folder named column=value that stands for null."""

ALLOWED = (
    "a CSV, tab-separated, JSON lines or Parquet file that exists, text also gzipped or zstandard,"
    " a folder of such files, or a glob"
)
HIDDEN = "name starts with . or _"
"""The reason for which files are skipped that nobody wants to be told of one by one."""
SHOWN = 3
"""Files that are shown of those skipped for one reason."""

Folders = dict[str, str | None]
"""The column=value of the folders around a file, names in lower case; None for null."""


@dataclass(frozen=True)
class DataFile:
    """A file to read."""

    path: Path
    kind: Kind
    folders: Folders = field(default_factory=dict)


def data_files(option: str, texts: Sequence[str], reporter: Reporter = SILENT) -> list[DataFile]:
    """Return the files that the texts of one option name, in the order of the texts.

    The files of a folder and of all folders below it, or of a glob, are sorted by name. A file
    that is named twice is read once.

    Parameters
    ----------
    option
        The option as it is typed, for messages.
    texts
        What was given: files, folders or globs. An existing file of exactly that name wins.
    reporter
        Told a line for each reason for which files are skipped.

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
        reporter.say(line)
    return list(found.values())


@dataclass
class _Search:
    option: str
    skipped: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    """Files that are not read, by reason."""
    seen: set[str] = field(default_factory=set)
    """Folders that were walked, so that links do not lead in circles."""

    def files_of(self, text: str) -> list[DataFile]:
        """Return the files that one text names."""
        path = Path(text)
        if not is_utf8(text) or not text or "\0" in text:
            raise not_allowed(self.option, text, ALLOWED)
        self.seen.clear()
        if self._exists(path):
            if not path.is_dir():
                return [self._named(path, {})]
            return self._found(path, self._walk(path, {}))
        matches = sorted(map(Path, glob.glob(text, recursive=True)))  # noqa: PTH207
        if not matches:
            raise not_allowed(self.option, text, ALLOWED)
        return self._found(path, self._matching(matches, _fixed_parts(text)))

    def _matching(self, matches: list[Path], fixed_parts: int) -> Iterator[DataFile]:
        """Yield the files that a glob matches, and those of the folders that it matches."""
        for match in matches:
            if self._is_skipped(match):
                continue
            folders = self._columns({}, match.parts[fixed_parts:-1])
            if match.is_dir():
                yield from self._walk(match, self._columns(folders, match.parts[-1:]))
                continue
            file = self._named(match, folders)
            if _is_blank(match):
                self.skipped["empty"].append(match)
            else:
                yield file

    def _found(self, path: Path, files: Iterator[DataFile]) -> list[DataFile]:
        found = list(files)
        if not found:
            allowed = f"a folder or a glob with a data file, named {', '.join(READ)}"
            raise not_allowed(self.option, path, "; ".join([allowed, *self.skipped_lines()]))
        return found

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
            if self._is_skipped(entry):
                continue
            if entry.is_dir():
                yield from self._walk(entry, self._columns(folders, [entry.name]))
            else:
                yield from self._in_folder(entry, folders)

    def _in_folder(self, path: Path, folders: Folders) -> Iterator[DataFile]:
        self._check(path)
        kind = kind_of(path)
        if _is_blank(path):
            self.skipped["empty"].append(path)
        elif kind is None or (kind == "csv" and not _kind_by_name(path)):
            self.skipped["no data file by name or content"].append(path)
        else:
            yield DataFile(path, kind, folders)

    def _named(self, path: Path, folders: Folders) -> DataFile:
        self._check(path)
        if path.name.lower().endswith(OTHER_COMPRESSIONS):
            raise UsageError(f"{self.option}: {path} is compressed; give gzip or zstandard")
        return DataFile(path, kind_of(path) or "csv", folders)

    def _is_skipped(self, path: Path) -> bool:
        is_folder = path.is_dir()
        if path.name.startswith((".", "_")) and not (is_folder and "=" in path.name):
            below = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
            self.skipped[HIDDEN] += below if is_folder else [path]
        elif path.name.startswith("~$"):
            self.skipped["a lock file of an office program"].append(path)
        elif path.is_symlink() and not path.exists():
            self.skipped["a link to nothing"].append(path)
        elif path.name.lower().endswith(OTHER_COMPRESSIONS) and not is_folder:
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
                if not is_utf8(name) or "%00" in name:
                    raise not_allowed(self.option, name, "folders with names of UTF-8 without NUL")
                column = unquote(column).strip().lower()
                if column in found:
                    raise UsageError(f"{self.option}: {column}= stands twice in a path, at {name}")
                found[column] = None if value == NULL_FOLDER else unquote(value)
        return found

    def _check(self, path: Path) -> None:
        """Raise for a path that cannot be read more than once, such as a pipe or a device."""
        if not is_utf8(str(path)):
            raise not_allowed(self.option, path, "files whose names are UTF-8")
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
        once = {reason: list(dict.fromkeys(paths)) for reason, paths in self.skipped.items()}
        return [
            f"{self.option}: {len(paths):,} skipped ({reason}){_examples(paths, reason)}"
            for reason, paths in once.items()
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
    start = _start(path, 4)
    if start is None:
        return None
    if start == b"PAR1" and compression_of(path) == "none":
        return "parquet"
    return "json" if start.removeprefix(b"\xef\xbb\xbf").startswith(b"{") else "csv"


def _is_blank(path: Path) -> bool:
    """Tell whether there is nothing in a file, or blank lines alone."""
    start = _start(path, 2**16)
    return start is not None and not start.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")


def _start(path: Path, size: int) -> bytes | None:
    """Return the first decompressed bytes of a file; None when it is cut short before them."""
    try:
        with open_bytes(path, compression_of(path)) as content:
            return content.read(size)
    except CUT_SHORT:
        return None


def _kind_by_name(path: Path) -> Kind | None:
    name = path.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    kind = KINDS.get(Path(name).suffix)
    return None if kind == "parquet" and name != path.name.lower() else kind
