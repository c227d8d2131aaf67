"""Which code has passed its unit tests, so that the next build can leave them out.

A unit test gives a model rows of its own. So what it says depends on the code and the tools alone,
not on the warehouse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import yaml

PASSED = "unit_tests_passed"
"""The file beside what dbt keeps of a project: a hash of the code and the tools that passed."""

TOOLS = ("dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb")

FOLDERS = {
    "model-paths": ["models"],
    "macro-paths": ["macros"],
    "test-paths": ["tests"],
    "seed-paths": ["seeds"],
    "packages-install-path": "dbt_packages",
}
"""Where dbt looks for code, by the names in dbt_project.yml, with dbt's defaults."""


class UnitTests:
    """The unit tests of a dbt project, with the code that stands there now."""

    def __init__(self, project: Path, target: Path) -> None:
        self._project = project
        self._file = project / target / PASSED
        self._code = self._hash_of_code()

    @cached_property
    def have_passed(self) -> bool:
        """Whether this code has passed them with these tools."""
        try:
            return self._file.read_text() == self._code
        except (OSError, UnicodeDecodeError):
            return False

    def keep(self) -> None:
        """Remember that this code has passed them."""
        if not self.have_passed:
            self._file.write_text(self._code)

    def _hash_of_code(self) -> str:
        found = hashlib.sha256(repr([version(tool) for tool in TOOLS]).encode())
        for path in sorted(set(self._files())):
            content = path.read_bytes()
            found.update(f"{path}:{len(content)}:".encode() + content)
        return found.hexdigest()

    def _files(self) -> Iterator[Path]:
        """Yield the files that dbt may read code from."""
        settings = self._project / "dbt_project.yml"
        yield settings
        try:
            given = yaml.safe_load(settings.read_text())
        except (yaml.YAMLError, UnicodeDecodeError):  # which dbt will say
            return
        for name, default in FOLDERS.items():
            folders = given.get(name, default) if isinstance(given, dict) else default
            for folder in [folders] if isinstance(folders, str) else folders:
                yield from filter(Path.is_file, (self._project / folder).rglob("*"))
