"""Calls of elearn diff that cannot be answered, and what an earlier one left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator.comparing import compare_files
from tests.conftest import Elearn
from tests.publishing.folders import change


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.duckdb", "give a warehouse or a published file that is there"),
        ("plain.duckdb", "give a warehouse or a published file"),
        ("notes.txt", "give a DuckDB file or a new name"),
        ("shop.private.duckdb", "give a file name that is not one of a private file"),
        (".", "give a file, not a folder"),
    ],
)
@pytest.mark.parametrize("letter", ["A", "B"])
def test_what_is_no_warehouse_is_the_calls_fault(
    name: str, said: str, letter: str, published: Path, elearn: Elearn, tmp_path: Path
) -> None:
    duckdb.connect(str(tmp_path / "plain.duckdb")).close()
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at\n" * 9)
    files = [name, published] if letter == "A" else [published, name]
    done = elearn("diff", *files, check=False)
    assert done.returncode == 2
    assert done.stderr == f"Error: file {letter}: {name!r} is not allowed; {said}\n"


@pytest.mark.parametrize("damage", ["cut short", "scribbled over"])
def test_a_damaged_file_is_no_file_that_differs(
    damage: str, published: Path, other: Path, elearn: Elearn
) -> None:
    content = bytearray(other.read_bytes())
    if damage == "cut short":
        del content[len(content) // 2 :]
    else:
        content[12_288:] = bytes(byte ^ 1 for byte in content[12_288:])  # all but the headers
    other.write_bytes(content)
    done = elearn("diff", published, other, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert str(other.name) in done.stderr
    assert done.stderr.count("\n") == 1


def test_too_little_memory_is_no_difference(published: Path, other: Path, elearn: Elearn) -> None:
    done = elearn("diff", published, other, "--memory-limit", "2MB", check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("; give a larger --memory-limit\n")
    assert done.stderr.count("\n") == 1


def test_rows_without_a_key_cannot_be_told_apart(
    published: Path, other: Path, elearn: Elearn
) -> None:
    change(other, "create or replace table main.churn_labels as from main.churn_labels")
    done = elearn("diff", published, other, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: file B: main.churn_labels has no primary key in ")
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_being_written_exits_3(
    published: Path, other: Path, elearn: Elearn, tmp_path: Path
) -> None:
    code = (
        "import duckdb, sys; con = duckdb.connect('other.duckdb');"
        " print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        done = elearn("diff", published, other, check=False)
        writer.communicate()
    assert done.returncode == 3
    assert f"process {writer.pid} (" in done.stderr
    assert done.stderr.count("\n") == 1


def test_files_of_an_earlier_comparison_do_not_stay(
    published: Path, other: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "differing"
    change(other, "delete from main.scoring_dataset")
    compare_files(published, other, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "scoring_dataset.parquet",
    ]
    assert compare_files(published, published, folder).is_equal
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
