"""Which code has passed its unit tests, so that the next build can leave them out.

A unit test gives a model rows of its own. So what it says depends on the code, the tools and the
variables of the environment that the code asks for, not on the warehouse.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
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

ENV_VAR = re.compile(rb"env_var\(\s*['\"](\w+)['\"]")


class UnitTests:
    """The unit tests of a dbt project, with the code that stands there now."""

    def __init__(self, project: Path, target: Path, variables: Mapping[str, str]) -> None:
        self._project = project
        self._file = project / target / PASSED
        self._variables = variables
        self._code = self._hash_of_code()

    @cached_property
    def have_passed(self) -> bool:
        """Whether this code has passed them with these tools."""
        try:
            return self._code is not None and self._file.read_text() == self._code
        except (OSError, UnicodeDecodeError):
            return False

    def keep(self) -> None:
        """Remember that this code has passed them; where that cannot be kept, they run again."""
        if self._code is not None and not self.have_passed:
            with suppress(OSError):
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.write_text(self._code)

    def _hash_of_code(self) -> str | None:
        """Return what stands for the code; None where that cannot be told, which dbt may say."""
        if (self._project / "selectors.yml").exists():  # which may leave some of them out
            return None
        found = hashlib.sha256(repr([version(tool) for tool in TOOLS]).encode())
        try:
            for path in sorted(set(self._files())):
                content = path.read_bytes()
                found.update(f"{path}:{len(content)}:".encode() + content)
                found.update(repr(self._read_by(content)).encode())
        except (AttributeError, OSError, TypeError, ValueError, yaml.YAMLError):
            return None
        return found.hexdigest()

    def _read_by(self, code: bytes) -> list[tuple[str, str | None]]:
        """Return the variables of the environment that a file asks for, but for our own."""
        names = [name.decode() for name in ENV_VAR.findall(code)]
        if len(names) != code.count(b"env_var("):
            raise ValueError("a variable whose name is computed")
        return [
            (name, self._variables.get(name)) for name in names if not name.startswith("ELEARN_")
        ]

    def _files(self) -> Iterator[Path]:
        """Yield the files that dbt may read code from."""
        settings = self._project / "dbt_project.yml"
        yield settings
        given = yaml.safe_load(settings.read_text())
        for name, default in FOLDERS.items():
            folders = given.get(name, default)
            for folder in [folders] if isinstance(folders, str) else folders:
                if "{{" in folder:
                    raise ValueError("a folder whose name is computed")
                yield from _files_in(self._project / folder)


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, through links too: dbt links packages that are local."""
    seen = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(here)) in seen:
            folders.clear()
        else:
            seen.add(real)
            yield from (Path(here, name) for name in files)
