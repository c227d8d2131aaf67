"""Folders to try a command in: each with a warehouse in some state, and what it then holds."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from generator.atomic_files import file_hash, read_manifest
from generator.cli.options import DEFAULT_PUBLISHED
from generator.warehouse.sql import has_table
from generator.warehouse.summary import MARTS
from generator.warehouse.verify import verify_warehouse
from tests.robustness.killing import run

SIZE = ("--n-users", 300, "--days", 90)
OLD, NEW = ("--seed", 1), ("--seed", 2)
EXPORT = ("export", "--output-dir", "exported", "--format", "parquet")
LOAD = ("load", "--users", "files/users.csv", "--events", "files/events.csv")
APPEND = ("load", "--append", "--events", "files/late.csv")

# A state, the one before it, and the commands that lead from there to here.
STATES: dict[str, tuple[str, tuple[Sequence[object], ...]]] = {
    "built": ("", (("build", *SIZE, *OLD), EXPORT)),
    "simulated": ("built", (("generate", *SIZE, *NEW),)),
    "rebuilt": ("simulated", (("dbt", "build"),)),
    "arriving": ("", (("generate", *SIZE, "--through", "2025-02-10"),)),
    "loaded": ("built", (LOAD,)),
}

USERS = """
    create table users as
    select n as user_id, date '2024-12-01' + cast(n % 30 as integer) as signup_date,
        'free' as plan, 'IN' as country, 'ads' as marketing_source
    from range(300) as r(n)
"""
EVENTS = """
    create table events as
    select n as event_id, n % 300 as user_id, 'login' as event_type,
        timestamp '2025-01-01' + to_minutes(cast(n * 2 as bigint)) as event_time
    from range(60000) as r(n)
"""
TORN = "files of two exports, which the manifest tells"


def content(folder: Path) -> dict[str, Any]:
    """Return what the files of a folder hold, after a look at each of them."""
    warehouse, published = folder / "warehouse.duckdb", folder / DEFAULT_PUBLISHED
    found: dict[str, Any] = {"warehouse": raw_version(warehouse), "marts": marts_of(warehouse)}
    if published.exists():
        found["published"] = raw_version(published), marts_of(published)
    if (folder / "exported").exists():
        manifest = read_manifest(folder / "exported")
        is_whole = all(
            file_hash(folder / "exported" / name) == about["sha256"]
            for name, about in manifest["files"].items()
        )
        found["exported"] = (manifest["dataset_version"], manifest["rows"]) if is_whole else TORN
    return found


def raw_version(path: Path) -> str:
    verdict = verify_warehouse(path)
    assert verdict.matches, verdict
    return verdict.found


def marts_of(path: Path) -> dict[str, str] | None:
    """Return a fingerprint of each mart by the engine's own hash, None before a build."""
    with duckdb.connect(str(path), read_only=True) as con:
        if any(not has_table(con, mart) for mart in MARTS):
            return None
        query = "select count(*) || ':' || sum(hash(found)) from {} as found"
        return {mart: con.execute(query.format(mart)).fetchall()[0][0] for mart in MARTS}


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@dataclass
class States:
    """The states, each made when it is first asked for; all tried at one path."""

    shared: Path
    """Where the states are kept, for all processes that run tests."""
    folder: Path
    """Where commands are tried; one path, since dbt parses anew for another."""
    variables: dict[str, str]
    ends: dict[object, tuple[dict[str, Any], set[str]]] = field(default_factory=dict)

    def start(self, name: str) -> Path:
        """Put a state in place and return its folder."""
        with (self.shared / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.shared / name).exists():
                self._make(name)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.restore(name)
        return self.folder

    def _make(self, name: str) -> None:
        earlier, commands = STATES[name]
        if earlier and not (self.shared / earlier).exists():
            self._make(earlier)
        shutil.rmtree(self.folder, ignore_errors=True)
        if earlier:
            self.restore(earlier)
        else:
            write_files(self.folder)
        for command in commands:
            run(command, self.folder, self.variables)
        shutil.copytree(self.folder, self.shared / name)

    def restore(self, name: str) -> None:
        """Copy a state that is made already into the folder."""
        shutil.copytree(self.shared / name, self.folder, dirs_exist_ok=True)

    def content_of(self, name: str) -> dict[str, Any]:
        """Return what a state holds."""
        return content(self.shared / name)

    def undisturbed(self, name: str, command: Sequence[object]) -> tuple[dict[str, Any], set[str]]:
        """Return what a command leaves when nothing disturbs it."""
        if (name, command) not in self.ends:
            self.start(name)
            run(command, self.folder, self.variables)
            self.ends[name, command] = content(self.folder), names(self.folder)
        return self.ends[name, command]


def write_files(folder: Path) -> None:
    """Write an export of 300 users into a folder: most events, and late ones."""
    files = folder / "files"
    files.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(USERS)
        con.execute(EVENTS)
        con.execute(f"copy users to '{files}/users.csv'")
        con.execute(f"copy (from events where event_id % 3 < 2) to '{files}/events.csv'")
        con.execute(f"copy (from events where event_id % 3 = 2) to '{files}/late.csv'")
