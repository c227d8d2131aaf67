from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from generator import vocabulary
from generator.atomic_files import move_into, write_manifest
from generator.publishing.export import exported_tables
from tests.conftest import Elearn

SMALL = ("--n-users", 700, "--days", 40)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_repeated_run_leaves_the_same_bytes(
    file_format: str, elearn: Elearn, tmp_path: Path
) -> None:
    options = (*SMALL, "--format", file_format)
    elearn("generate", *options, "--output-dir", "once", "--workers", 1)
    elearn("generate", *options, "--output-dir", "again", "--workers", 8)
    once = tree(tmp_path / "once")
    assert set(once) == {"manifest.json", f"users.{file_format}", f"events.{file_format}"}
    assert once == tree(tmp_path / "again")
    elearn("generate", *options, "--output-dir", "once")
    assert once == tree(tmp_path / "once")


def test_version_layout_names_the_folder_after_the_content(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", *SMALL, "--output-dir", "raw", "--layout", "version")
    [folder] = (tmp_path / "raw").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert folder.name == manifest["dataset_version"]
    elearn("generate", *SMALL, "--output-dir", "raw", "--layout", "version")
    elearn("generate", *SMALL, "--seed", 1, "--output-dir", "raw", "--layout", "version")
    assert len(list((tmp_path / "raw").iterdir())) == 2


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_date_layout_names_the_folder_after_today_in_utc(
    zone: str, elearn: Elearn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)  # one of them has another day
    elearn("generate", *SMALL, "--output-dir", "raw", "--layout", "date")
    [folder] = (tmp_path / "raw").iterdir()
    assert folder.name == str(datetime.now(UTC).date())
    elearn("generate", *SMALL, "--output-dir", "flat")
    assert tree(folder) == tree(tmp_path / "flat"), "no file says when it was written"


def test_files_warehouse_and_loaded_files_have_one_version(elearn: Elearn, tmp_path: Path) -> None:
    def version_of(*arguments: object) -> str:
        return json.loads(elearn(*arguments, "--json").stdout)["dataset_version"]

    generated = version_of("generate", *SMALL)
    assert version_of("generate", *SMALL, "--output-dir", "csv") == generated
    pq = ("--output-dir", "pq", "--format", "parquet")
    assert version_of("generate", *SMALL, *pq) == generated
    for form, end in (("csv", "csv"), ("pq", "parquet")):
        files = ("--users", f"{form}/users.{end}", "--events", f"{form}/events.{end}")
        assert version_of("load", *files, "--warehouse", f"{form}.duckdb") == generated
    for place in (("csv",), ("pq",), ("--warehouse", "csv.duckdb")):
        assert elearn("verify", *place).stdout.startswith("match: ")


def test_shards_together_are_the_whole(elearn: Elearn) -> None:
    whole = json.loads(elearn("generate", *SMALL, "--output-dir", "whole", "--json").stdout)
    parts = []
    for number in (1, 2, 3):
        shard = ("--shard", f"{number}/3", "--output-dir", f"parts/{number}")
        parts.append(json.loads(elearn("generate", *SMALL, *shard, "--json").stdout))
    assert sum(part["user_rows"] for part in parts) == whole["user_rows"] == 700
    users, events = ("--users", "parts/*/users.csv"), ("--events", "parts/*/events.csv")
    loaded = json.loads(elearn("load", *users, *events, "--json").stdout)
    assert loaded["dataset_version"] == whole["dataset_version"]


def test_a_shard_without_users_has_files_with_a_header(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", "--n-users", 1, "--output-dir", "part", "--shard", "1/2")
    assert (tmp_path / "part" / "users.csv").read_text().count("\n") == 1


def test_an_experiment_writes_its_assignments(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", *SMALL, "--treatment-ratio", 0.5, "--output-dir", "raw")
    lines = (tmp_path / "raw" / "experiment_assignments.csv").read_text().splitlines()
    assert lines[0] == "user_id,treatment_group"
    assert {line.split(",")[1] for line in lines[1:]} == {"control", "treatment"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--shard", "0/2"), "--shard: '0/2' is not allowed; give I/N"),
        (("--shard", "3/2"), "--shard: '3/2' is not allowed"),
        (("--shard", "1"), "--shard: '1' is not allowed"),
        (("--layout", "tree"), "--layout: 'tree' is not allowed; give flat, version or date"),
        (("--format", "xlsx"), "--format: 'xlsx' is not allowed; give csv or parquet"),
        (("--through", "2025-01-05"), "--output-dir: files hold whole simulations"),
    ],
)
def test_a_bad_option_gets_one_line_and_writes_nothing(
    options: tuple[str, ...], message: str, elearn: Elearn, tmp_path: Path
) -> None:
    done = elearn("generate", "--output-dir", "raw", *options, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {message}")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_file_options_without_files_are_refused(elearn: Elearn) -> None:
    for options in (("--shard", "1/2"), ("--format", "parquet"), ("--layout", "date")):
        done = elearn("generate", *options, check=False)
        assert done.returncode == 2
        assert done.stderr == f"Error: {options[0]}: it goes with --output-dir\n"


def test_what_a_killed_run_left_behind_is_removed(elearn: Elearn, tmp_path: Path) -> None:
    left = tmp_path / "raw" / ".writing-killed"
    left.mkdir(parents=True)
    (left / "events.csv").write_text("half a li")
    elearn("generate", *SMALL, "--output-dir", "raw")
    assert {path.name for path in (tmp_path / "raw").iterdir()} == {
        "events.csv",
        "manifest.json",
        "users.csv",
    }


def test_files_of_a_move_that_was_cut_off_are_removed_by_the_next(tmp_path: Path) -> None:
    place = tmp_path / "lake"
    move_into(written(tmp_path / "old", "users-0.parquet"), place)
    (place / "users-2.parquet").mkdir()  # which no file can replace
    with pytest.raises(OSError, match=r"users-2\.parquet"):
        move_into(written(tmp_path / "more", *(f"users-{n}.parquet" for n in range(4))), place)
    assert (place / "users-1.parquet").exists()
    (place / "users-2.parquet").rmdir()
    move_into(written(tmp_path / "new", "users-0.parquet"), place)
    assert sorted(path.name for path in place.iterdir()) == ["manifest.json", "users-0.parquet"]


def written(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("rows")
    write_manifest(folder, {"dataset_version": "0"})
    return folder


@pytest.mark.parametrize("manifest", ['{"dataset_version": "0", "files": 5}', "[]", "{"])
def test_a_manifest_that_says_nothing_gets_a_sentence(
    manifest: str, elearn: Elearn, tmp_path: Path
) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    done = elearn("verify", ".", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: manifest.json: ")
    assert done.stderr.count("\n") == 1


def test_verify_finds_a_changed_value(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", *SMALL)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("update raw.events set watch_minutes = 5.1 where watch_minutes = 5.0")
    done = elearn("verify", check=False)
    assert (done.returncode, done.stdout.split(":")[0]) == (1, "mismatch")

    elearn("generate", *SMALL, "--output-dir", "raw")
    path = tmp_path / "raw" / "users.csv"
    path.write_text(path.read_text().replace(",paid,1,", ",free,0,", 1))
    done = elearn("verify", "raw", check=False)
    assert (done.returncode, done.stdout.split(":")[0]) == (1, "mismatch")


def test_versions_lists_every_load(elearn: Elearn) -> None:
    elearn("generate", *SMALL)
    elearn("generate", *SMALL, "--seed", 1)
    loads = json.loads(elearn("versions", "--json").stdout)["loads"]
    assert [load["load_id"] for load in loads] == [1, 2]
    assert [json.loads(load["settings"])["seed"] for load in loads] == [42, 1]
    lines = elearn("versions").stdout.splitlines()
    assert len(lines) == 3
    for load, line in zip(loads, lines[1:], strict=True):
        assert load["dataset_version"] in line


def test_files_of_another_format_give_way(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", *SMALL, "--treatment-ratio", 0.5, "--output-dir", "raw")
    elearn("generate", *SMALL, "--seed", 1, "--format", "parquet", "--output-dir", "raw")
    names = {path.name for path in (tmp_path / "raw").iterdir()}
    assert names == {"events.parquet", "manifest.json", "users.parquet"}
    assert elearn("verify", "raw").stdout.startswith("match: ")


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_what_is_exported_has_every_mart_and_loads_to_the_same_version(
    file_format: str, built: Path, elearn: Elearn, tmp_path: Path
) -> None:
    warehouse = ("--warehouse", built / "warehouse.duckdb")
    elearn("export", *warehouse, "--output-dir", "out", "--format", file_format)
    assert elearn("verify", "out").stdout.startswith("match: ")
    names = {path.stem for path in (tmp_path / "out").glob(f"*.{file_format}")}
    raw = {"users", "events", "user_changes", "experiment_assignments"}
    assert names == {*raw, *vocabulary.MARTS}
    users = [f"--users=out/{name}.{file_format}" for name in ("users", "user_changes")]
    loaded = elearn("load", *users, f"--events=out/events.{file_format}", "--json").stdout
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert json.loads(loaded)["dataset_version"] == manifest["dataset_version"]


def test_changes_are_exported_where_there_are_any(built: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(built / "warehouse.duckdb", tmp_path / "warehouse.duckdb"))
    with duckdb.connect(str(copy)) as con:
        assert "raw.user_changes" in exported_tables(con, copy)
        con.execute("delete from raw.user_changes")
        assert "raw.user_changes" not in exported_tables(con, copy)


def test_export_before_a_build_says_which_command_to_run(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", *SMALL)
    done = elearn("export", "--output-dir", "out", check=False)
    assert done.returncode == 1
    assert "run `elearn build --no-generate` first" in done.stderr
    assert not (tmp_path / "out").exists()
