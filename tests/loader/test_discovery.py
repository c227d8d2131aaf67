"""Which files a file, a folder or a glob means, and what is said of the others."""

from __future__ import annotations

import os

import pytest

from generator.errors import UsageError
from generator.loader.discovery import data_files
from tests.loader.desk import EVENT, EVENTS, USERS, Desk, as_csv


def found(desk: Desk, *texts: object) -> list[str]:
    """Names of the files that are found, below the desk's folder."""
    files = data_files("--events", [str(text) for text in texts], desk)
    return [str(file.path.relative_to(desk.folder)) for file in files]


def test_a_folder_means_its_data_files_and_those_of_all_folders_in_it(desk: Desk) -> None:
    kept = ["a.csv.gz", "b.csv", "c.PARQUET", "d.tsv", "e.csv.zst", "f.pq"]
    kept += ["date=2025-01-01/part.csv", "deeper/and/deeper.csv", "feb.csv/part-00000.csv"]
    for name in kept:
        desk.file(f"events/{name}", b"x")
    desk.file("events/parquet_without_an_ending", b"PAR1")
    assert found(desk, desk.folder / "events") == [
        f"events/{name}" for name in sorted([*kept, "parquet_without_an_ending"])
    ]
    assert desk.said == []


def test_what_a_folder_has_besides_is_named_once_a_reason_with_three_examples(desk: Desk) -> None:
    for number in range(5):
        desk.file(f"events/note{number}.txt", b"a note")
    for name in ("_SUCCESS", ".part.csv.crc", "_delta_log/0.json", ".hidden/x.csv"):
        desk.file(f"events/{name}", b"x")
    desk.file("events/feb.csv/part-00001.csv", b"")
    desk.file("events/old.csv.bz2", b"BZh")
    desk.file("events/b.csv", b"x")
    assert found(desk, desk.folder / "events") == ["events/b.csv"]
    folder = desk.folder / "events"
    assert sorted(desk.said) == [
        f"--events: 1 skipped (compressed, but not by gzip or zstandard): {folder}/old.csv.bz2",
        f"--events: 1 skipped (empty): {folder}/feb.csv/part-00001.csv",
        "--events: 4 skipped (name starts with . or _)",
        f"--events: 5 skipped (no data file by name or content): {folder}/note0.txt,"
        f" {folder}/note1.txt, {folder}/note2.txt, ...",
    ]


def test_a_glob_means_the_files_and_the_folders_that_match(desk: Desk) -> None:
    for name in ("b.csv", "a.csv", "c.txt", "folder.csv/x.csv", "_not.csv"):
        desk.file(name, b"x")
    assert found(desk, desk.folder / "*.csv") == ["a.csv", "b.csv", "folder.csv/x.csv"]
    assert found(desk, desk.folder / "*.txt") == ["c.txt"]


def test_links_in_a_folder_are_followed_but_never_in_circles(desk: Desk) -> None:
    desk.file("events/deep/a.csv", b"x")
    (desk.folder / "events/deep/up").symlink_to(desk.folder / "events")
    (desk.folder / "events/also").symlink_to(desk.folder / "events/deep")
    assert len(found(desk, desk.folder / "events")) == 1


def test_an_existing_file_of_exactly_that_name_wins_over_the_glob(desk: Desk) -> None:
    desk.file("events1.csv", as_csv([EVENT | {"event_id": "1"}]))
    named = desk.file("events[1].csv", as_csv([EVENT | {"event_id": "2"}]))
    desk.load_files([desk.file("users.csv", USERS)], [named])
    assert desk.event_ids() == [2]


def test_a_file_that_is_named_twice_is_read_once(desk: Desk) -> None:
    path = desk.file("events/events.csv", EVENTS)
    (desk.folder / "events/link.csv").symlink_to(path)
    named = [path, str(desk.folder / "events/*.csv"), str(desk.folder / "events")]
    assert found(desk, *named) == ["events/events.csv"]
    assert desk.load_files([desk.file("users/u.csv", USERS)], named).events_read == 3


@pytest.mark.parametrize(
    "text", ["", "nothing.csv", "no/*.csv", "nul\0.csv", "x" * 5000, "a.csv/b"]
)
def test_what_names_nothing_is_an_error_of_the_call(desk: Desk, text: str) -> None:
    desk.file("a.csv", b"")
    given = str(desk.folder / text) if text else ""
    with pytest.raises(UsageError, match=r"--events: .* is not allowed; give a CSV"):
        found(desk, given)


def test_a_folder_without_data_is_an_error_of_the_call(desk: Desk) -> None:
    desk.file("notes.txt", b"a note")
    with pytest.raises(UsageError, match=r"with a data file, .*1 skipped \(no data"):
        found(desk, desk.folder)


def test_pipes_devices_and_loops_of_links_are_errors_of_the_call(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe.csv")
    (desk.folder / "loop.csv").symlink_to(desk.folder / "loop.csv")
    for name, reason in (("pipe.csv", "a pipe or a device"), ("loop.csv", "cannot be read: Too")):
        with pytest.raises(UsageError, match=reason):
            found(desk, desk.folder / name)
    with pytest.raises(UsageError, match="a pipe or a device"):
        found(desk, desk.folder / "pip*.csv")
    with pytest.raises(UsageError, match="a pipe or a device"):
        found(desk, "/dev/null")
