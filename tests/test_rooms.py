"""The package's rooms stand on floors: an import leads down, never beside or up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

FLOORS = [
    {"errors", "extras", "reporter", "vocabulary"},
    {"atomic_files", "settings"},
    {"simulation", "warehouse"},
    {"comparing", "loader", "publishing", "sinks"},
    {"ceiling", "erasing", "report"},
    {"cli"},
    {"documentation"},
    {"__init__", "__main__"},
]
"""Modules and sub-packages of ``generator``, the lowest first."""

FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str:
    """The room of a module: the part of its name below the package."""
    return [*module.split("."), "__init__"][1]


def modules() -> dict[str, Path]:
    """Every module of the package with its file."""
    paths = sorted((ROOT / "generator").rglob("*.py"))
    names = (path.relative_to(ROOT).with_suffix("").parts for path in paths)
    return {
        ".".join(part for part in name if part != "__init__"): path
        for name, path in zip(names, paths, strict=True)
    }


def imported(path: Path) -> Iterator[str]:
    """The modules of this package that a module imports, wherever it does."""
    known = modules()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = [f"{node.module}.{name.name}" for name in node.names]
            submodules = [name for name in full if name in known]
            yield from submodules or ([node.module] if node.module in known else [])


def test_every_room_stands_on_a_floor() -> None:
    assert {room_of(name) for name in modules()} == set(FLOOR_OF) | {"__init__"}


def test_no_room_imports_from_its_own_floor_or_a_higher_one() -> None:
    arrows = [(name, used) for name, path in modules().items() for used in imported(path)]
    assert len(arrows) > 100
    wrong = [
        f"{name} imports {used}"
        for name, used in arrows
        if room_of(name) != room_of(used) and FLOOR_OF[room_of(used)] >= FLOOR_OF[room_of(name)]
    ]
    assert wrong == []


def test_no_modules_of_a_room_import_each_other_in_a_circle() -> None:
    uses = {name: set(imported(path)) for name, path in modules().items()}
    while leaves := {name for name, used in uses.items() if not used & set(uses)}:
        uses = {name: used for name, used in uses.items() if name not in leaves}
    assert not uses, f"in a circle: {sorted(uses)}"


def test_every_room_has_a_folder_of_tests_with_its_name() -> None:
    rooms = {path.parent.name for path in (ROOT / "generator").glob("*/__init__.py")}
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert rooms <= folders
