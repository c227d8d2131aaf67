"""A folder after ``elearn build``: its commands, its changes and its readers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb

BUILD = ("build", "--n-users", 60, "--days", 70, "--treatment-ratio", 0.5, "--upgrade-rate", 0.9)


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as con:
        for statement in statements:
            con.execute(statement)


HOLDER = """
import duckdb, sys, time
from pathlib import Path
path, stop = sys.argv[1:]
con = duckdb.connect(path, read_only=True)
count = "select count(*), max(user_id) from user_features_daily"
first = con.execute(count).fetchall()
print("open", flush=True)
while not Path(stop).exists():
    assert con.execute(count).fetchall() == first, "the old file changed"
    time.sleep(0.1)
print(con.execute("select dataset_version from build_info").fetchall()[0][0])
"""
"""Holds the published file open until a file appears, then prints the version it still reads."""

OPENER = """
import duckdb, sys, time
from pathlib import Path
path, stop = sys.argv[1:]
seen = []
stopped = False
while not stopped:
    stopped = Path(stop).exists()  # and once more after that
    with duckdb.connect(path, read_only=True) as con:
        [(version,)] = con.execute("select dataset_version from build_info").fetchall()
        assert con.execute("select count(*) from user_daily").fetchall() == con.execute(
            "select count(*) from user_features_daily").fetchall()
    if version not in seen:
        seen.append(version)
        print(version, flush=True)
    time.sleep(0.1)
"""
"""Opens the published file again and again, and prints each version that it finds."""


def start_reader(script: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, "published/elearn.duckdb", "stop"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
