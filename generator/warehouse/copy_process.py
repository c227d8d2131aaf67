"""Copy a file in a process of its own.

Whoever closes a file that DuckDB has open in the same process drops DuckDB's lock on it, as POSIX
locks are a process's. So its bytes are read in another process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = 2**30


@contextmanager
def copied_meanwhile(source: Path, copy: Path) -> Iterator[None]:
    """Copy a file, which nobody changes, while the body runs.

    Raises
    ------
    OSError
        The file could not be copied.
    """
    command = [sys.executable, "-I", "-S", __file__, str(source), str(copy)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield
            _, said = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise OSError(said.strip() or "the copy was interrupted")


def copy_bytes(source: Path, copy: Path) -> None:
    """Copy a file, where it is possible inside the file system, which may share the blocks."""
    with source.open("rb") as old, copy.open("xb") as new:
        try:
            while os.copy_file_range(old.fileno(), new.fileno(), CHUNK):
                pass
        except (AttributeError, OSError):  # not on this system, or not between these two
            old.seek(0)
            new.seek(0)
            shutil.copyfileobj(old, new, 2**20)
        new.flush()
        os.fsync(new.fileno())  # here, as the other process has work to do until then


if __name__ == "__main__":
    try:
        copy_bytes(*map(Path, sys.argv[1:]))
    except OSError as error:
        sys.exit(error.strerror)
