"""The dbt project: where it stands, and how a person gets one to change."""

from __future__ import annotations

import shutil
from pathlib import Path

from generator.atomic_files import WRITING, written_whole
from generator.errors import ElearnError, not_allowed

PARTS = ("dbt_project.yml", "profiles.yml", "dbt_project")
"""What the project is made of, in the root of a clone and inside an installed package."""

OURS = Path("dbt_project/macros/green_build.sql")
"""A file that no other dbt project has."""

_PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = _PACKAGE / "project"
"""Where a wheel has it; a clone has it beside the package."""


def project_folder() -> Path:
    """Return the folder of the dbt project: the working directory, else what came with us."""
    return Path.cwd() if (Path.cwd() / OURS).is_file() else shipped_project()


def shipped_project() -> Path:
    """Return the folder of the dbt project that came with this package."""
    for folder in (INSTALLED, _PACKAGE.parent):
        if (folder / OURS).is_file():
            return folder
    raise ElearnError("the dbt project is missing; install this package anew, or run in a clone")


def init_project(folder: Path) -> None:
    """Lay the dbt project out in a folder that is empty or not there yet.

    Raises
    ------
    UsageError
        The folder is not empty, or cannot be written.
    """
    if not _is_free(folder):
        raise not_allowed("folder", folder, "an empty folder or a new name")
    source = shipped_project()
    with written_whole(folder, field="folder") as new:
        for part in PARTS:
            copy = shutil.copytree if (source / part).is_dir() else shutil.copyfile
            copy(source / part, new / part)
        for part in PARTS:  # the last one makes it a project of ours
            (new / part).replace(folder / part)


def _is_free(folder: Path) -> bool:
    """Tell whether nothing is in a folder but what a killed run left."""
    try:
        if not folder.exists():
            return True
        return folder.is_dir() and all(path.name.startswith(WRITING) for path in folder.iterdir())
    except OSError as error:  # such as a name that is too long, or a folder that is closed to us
        raise not_allowed("folder", folder, f"another folder ({error.strerror})") from error
