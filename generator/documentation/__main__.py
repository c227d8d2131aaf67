"""``python -m generator.documentation``, from the root of a clone; the same as ``make docs``."""

from __future__ import annotations

from pathlib import Path

from generator.cli import console
from generator.documentation.writing import write_documentation
from generator.publishing.project import project_folder


def _run() -> None:
    folder = project_folder()
    for path in write_documentation(folder / "docs", folder / "target" / "docs"):
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    console.run(_run)
