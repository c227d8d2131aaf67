"""Sets of files: written whole beside the old ones, then moved into their place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from generator.errors import ElearnError, not_allowed

FORMATS = ("csv", "parquet")
MANIFEST = "manifest.json"
WRITING = ".writing-"
MOVING = ".moving"
"""Lists the files of a folder while some of them are moved into it."""


@contextmanager
def written_whole(output_dir: Path, field: str = "output_dir") -> Iterator[Path]:
    """Yield a folder to write into; the body moves its files on when they are whole.

    What an earlier, killed run left behind is removed first. ``field`` names the folder in errors.

    Raises
    ------
    UsageError
        The folder cannot be made or written.
    ElearnError
        The disk did not take the files.
    """
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        for leftover in output_dir.glob(WRITING + "*"):
            if not _is_being_written(leftover):
                shutil.rmtree(leftover, ignore_errors=True)
        prefix = f"{WRITING}{socket.gethostname()}-{os.getpid()}-"
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=output_dir))
    except OSError as error:
        allowed = f"a folder that can be written ({error.strerror})"
        raise not_allowed(field, output_dir, allowed) from error
    try:
        yield folder
    except OSError as error:
        raise ElearnError(f"{output_dir}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_being_written(folder: Path) -> bool:
    """Tell whether the process that a folder is named after may still write into it.

    Shards are written side by side, perhaps by several machines that share the folder.
    """
    host, _, rest = folder.name.removeprefix(WRITING).rpartition("-")[0].rpartition("-")
    if host != socket.gethostname():
        return bool(host)
    try:
        os.kill(int(rest), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def move_into(folder: Path, destination: Path) -> None:
    """Move a folder's files into another one, the manifest last, each in place of an old one.

    What an earlier manifest there lists and the new one does not, such as the files of another
    format, is removed, and so is what an earlier move left that was killed.
    """
    destination.mkdir(parents=True, exist_ok=True)
    moving = destination / MOVING
    new = {path.name for path in folder.iterdir()}
    known = new | _listed(destination) | (_names(moving) if moving.exists() else set())
    moving.write_text("\n".join(sorted(known)))
    for path in sorted(folder.iterdir(), key=lambda path: (path.name == MANIFEST, path.name)):
        move_file(path, destination / path.name)
    for name in known - new:
        (destination / name).unlink(missing_ok=True)
    moving.unlink(missing_ok=True)  # two runs may end at once


def _listed(folder: Path) -> set[str]:
    """Return the names of the files that the manifest of a folder lists, if it has one."""
    if not (folder / MANIFEST).exists():
        return set()
    return {Path(name).name for name in read_manifest(folder)["files"]}


def _names(moving: Path) -> set[str]:
    return {Path(name).name for name in moving.read_text().splitlines()}


def move_file(path: Path, destination: Path) -> None:
    """Put a file, synced to disk, in place of what stands at its destination."""
    sync(path)
    path.replace(destination)
    sync(destination.parent)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def keep_owner(path: Path, like: Path) -> None:
    """Give a file the owner and the group of another one, as far as this person may."""
    status = like.stat()
    for owner, group in ((status.st_uid, -1), (-1, status.st_gid)):
        with suppress(OSError):
            os.chown(path, owner, group)


@contextmanager
def replaced_file(path: Path, field: str) -> Iterator[Path]:
    """Yield a new file's path to write to; it takes the place of an old one when the body ends.

    ``field`` names the file in errors.

    Raises
    ------
    UsageError
        No file can be written there.
    ElearnError
        The disk did not take the file; an old one stays.
    """
    try:
        target = path.resolve()  # a link stays, and what it points to is replaced
        is_free = not target.exists() or (target.is_file() and os.access(target, os.W_OK))
        target.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError, ValueError) as error:  # such as a name that is too long
        raise not_allowed(field, path, "a file that can be written") from error
    if not is_free:
        raise not_allowed(field, path, "a file that can be written")
    with written_whole(target.parent, field) as folder:
        part = folder / target.name
        yield part
        move_file(part, target)


def write_manifest(
    folder: Path, about: dict[str, Any], hashes: dict[str, str] | None = None
) -> dict[str, Any]:
    """Write manifest.json beside the files of a folder, and return what it says.

    It carries no timestamp, so that a repeated run writes the same bytes. The hashes of the files
    are taken here unless those who wrote them took them already.
    """
    if hashes is None:
        hashes = {path.name: file_hash(path) for path in folder.iterdir()}
    manifest = about | {"files": {name: {"sha256": hashes[name]} for name in sorted(hashes)}}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest of a folder says."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
    except FileNotFoundError:
        raise not_allowed("folder", folder, f"a folder with a {MANIFEST}") from None
    except (OSError, ValueError) as error:
        raise ElearnError(f"{path}: {error}") from error
    kinds = {"dataset_version": str, "files": dict}
    if not isinstance(manifest, dict) or not all(
        isinstance(manifest.get(name), kind) for name, kind in kinds.items()
    ):
        raise ElearnError(f"{path}: it does not name a dataset_version and its files")
    return manifest


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
