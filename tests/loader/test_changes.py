"""Changes of users: histories against a judge, in any order, and what is wrong with them."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.errors import ElearnError, UsageError
from generator.loader.quarantine import RejectedError
from generator.sinks.files import Shard, generate_files
from generator.sinks.warehouse import generate_warehouse
from tests.loader.changes_judge import BEFORE, NOBODY, Judge, stored_rows
from tests.loader.desk import EVENT, EVENTS, USER, USERS, Desk, Row
from tests.loader.test_mapping import load_mapped

HISTORY = """
    select cast(user_id as varchar), cast(signup_date as varchar), plan, country, marketing_source
    from raw.users order by user_id
"""
CHANGES = """
    select cast(user_id as varchar), cast(valid_from as varchar), plan, country, marketing_source
    from raw.user_changes order by user_id, valid_from
"""
LEDGER = """
    select dataset_version, touched_first_day, touched_last_day
    from raw.loads order by load_id desc limit 1
"""
DAYS = [f"2025-01-{day:02}" for day in range(1, 8)]


def change(valid_from: str, user_id: str = "1", **attributes: str) -> Row:
    """A row of a user_changes file, which has no signup_date."""
    row = {name: cell for name, cell in USER.items() if name != "signup_date"}
    return row | {"user_id": user_id, "valid_from": valid_from} | attributes


def drawn(rng: random.Random) -> Row:
    """A row of any user: most fit together, some do not."""
    return USER | {
        "user_id": str(rng.randint(1, 9)),
        "signup_date": rng.choice(["", "", "2025-01-03", "2025-01-03", rng.choice(DAYS)]),
        "valid_from": rng.choice(["", *DAYS]),
        "plan": rng.choice(["free", "paid"]),
        "country": rng.choice(["IN", "IN", "US"]),
    }


def stored(desk: Desk) -> list[tuple[str, ...]]:
    return desk.query(HISTORY) + desk.query(CHANGES)


@pytest.mark.parametrize("seed", range(5))
def test_each_row_becomes_what_the_judge_says(desk: Desk, seed: int) -> None:
    rng, judge = random.Random(seed), Judge()
    rejected: Counter[tuple[int, str]] = Counter()
    for number in range(3):
        first = [USER | {"valid_from": ""}] if number == 0 else []
        rows = [*first, *(drawn(rng) for _ in range(40))]
        expected = judge.load(rows)
        report = desk.load(EVENTS[:1], rows, append=number > 0, max_rejects=40)
        others = {n: reason for n, reason in enumerate(expected, 1) if " " in reason}
        rejected.update(others.items())
        assert Counter((row, reason) for _, row, reason in desk.rejected()) == rejected
        assert report.users_loaded == expected.count("loaded")
        assert report.users_repeated == expected.count("repeated")
        assert stored(desk) == list(stored_rows(judge))


def history() -> list[Row]:
    """Changes of five users, some of which change nothing."""
    rng = random.Random(1)
    return [
        change(f"2025-{month:02}-{user:02}", str(user), plan=rng.choice(["free", "paid"]))
        for user in range(1, 6)
        for month in range(2, 12)
    ]


def test_pieces_of_a_history_give_the_same_tables_in_any_order(desk: Desk, tmp_path: Path) -> None:
    users = [USER | {"user_id": str(user)} for user in range(1, 6)]
    rows = history()
    whole = desk.load_files(
        [desk.file("user_changes.csv", rows), desk.file("users.csv", users)],
        [desk.file("events.csv", EVENTS)],
    )
    assert len(desk.query(CHANGES)) == len(rows)
    random.Random(2).shuffle(rows)
    pieces = [rows[number::3] for number in range(3)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        other = Desk(tmp_path / str(order))
        other.folder.mkdir()
        other.load(users=users)
        for number in order:
            other.load_files([other.file("piece.csv", pieces[number])], [], append=True)
        assert other.query(LEDGER)[0][0] == whole.dataset_version
        assert stored(other) == stored(desk)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_simulated_upgrades_load_to_the_version_they_were_written_with(
    desk: Desk, file_format: str
) -> None:
    settings = Settings(n_users=60, days=60, upgrade_rate=0.5)
    files = generate_files(
        settings,
        desk.folder / "sim",
        file_format=file_format,
        layout="flat",
        shard=Shard(),
        workers=1,
    )
    version = files.manifest["dataset_version"]
    events = str(files.folder / f"events.{file_format}")
    report = desk.load_files([str(files.folder / "user*")], [events])
    assert report.dataset_version == version
    assert report.users_read == 60 + files.manifest["change_rows"]
    named = [str(files.folder / f"{name}.{file_format}") for name in ("user_changes", "users")]
    again = desk.load_files(named, [], append=True)
    assert again.users_repeated == report.users_read
    assert again.dataset_version == version


def test_a_load_touches_the_days_from_its_changes_on(desk: Desk) -> None:
    desk.load([EVENT, EVENT | {"event_id": "11", "event_time": "2025-06-01"}])
    rows = [change("2025-03-05", plan="paid"), change("2025-02-01", "2", country="US")]
    desk.load_files([desk.file("changes.csv", rows)], [], append=True)
    assert desk.query(LEDGER)[0][1:] == (date(2025, 2, 1), date(2025, 6, 1))
    desk.load_files([desk.file("changes.csv", rows)], [], append=True)
    assert desk.query(LEDGER)[0][1:] == (None, None)


def test_the_first_row_of_a_new_user_may_be_a_later_one(desk: Desk) -> None:
    rows = [USER | {"valid_from": day, "country": day} for day in ("2025-03-01", "2025-02-01")]
    report = desk.load(EVENTS[:1], rows)
    assert (report.users_loaded, report.users_created) == (2, 0)
    assert desk.query(HISTORY) == [("1", "2025-01-01", "free", "2025-02-01", "ads")]
    assert [row[1] for row in desk.query(CHANGES)] == ["2025-02-01", "2025-03-01"]


def test_of_a_user_whose_row_of_the_signup_is_rejected_the_earliest_good_row_counts(
    desk: Desk,
) -> None:
    later = [USER | {"valid_from": day, "country": day} for day in ("2025-03-01", "2025-02-01")]
    rows = [USER | {"valid_from": "", "plan": "gold"}, *later, USER | {"user_id": "2"}]
    rows += [change("2025-02-01", "3"), USER | {"user_id": "3", "valid_from": "", "plan": "gold"}]
    report = desk.load(EVENTS[:1], rows, max_rejects=3)
    assert (report.users_loaded, report.users_rejected, report.events_loaded) == (3, 3, 1)
    assert [row[:4] for row in desk.query(HISTORY)] == [
        ("1", "2025-01-01", "free", "2025-02-01"),
        ("2", "2025-01-01", "free", "IN"),
    ]
    assert [row[:2] for row in desk.query(CHANGES)] == [("1", "2025-02-01"), ("1", "2025-03-01")]
    assert ("users", 5, NOBODY) in desk.rejected()


def test_a_file_without_a_column_says_nothing_of_it(desk: Desk) -> None:
    users = [row | {"engagement_score": "0.5"} for row in USERS]
    files = [desk.file("users.csv", users), desk.file("again.csv", USERS)]
    report = desk.load_files(files, [desk.file("events.csv", EVENTS)])
    assert (report.users_loaded, report.users_repeated) == (2, 2)
    from_signup = [change("2025-01-01"), change("2025-01-01", "2", plan="paid")]
    report = desk.load_files([desk.file("c.csv", from_signup)], [], append=True)
    assert report.users_repeated == 2


BAD: list[tuple[Row, str]] = [
    (change("2025-02-01", "9"), f"{NOBODY}: row 1 '2025-02-01'"),
    (change("2024-12-31"), f"{BEFORE}: row 1 '2024-12-31'"),
    (
        change("2025-02-01", signup_date="2025-01-02"),
        "valid_from stands beside another signup_date of the user: row 1 '2025-02-01'",
    ),
    (
        change("2025-03-01", country="US"),
        "valid_from already exists for the user: row 1 '2025-03-01'",
    ),
    (
        change("2025-01-01", country="US"),
        "valid_from already exists for the user: row 1 '2025-01-01'",
    ),
    (
        USER | {"country": "US"},
        "user_id already exists; give valid_from, the day of the change: row 1 '1'",
    ),
    (
        USER | {"signup_date": "2025-01-02"},
        "signup_date is not the stored one, which never changes: row 1 '2025-01-02'",
    ),
]


def test_each_wrong_row_is_one_line_and_changes_nothing(desk: Desk) -> None:
    desk.load()
    desk.load_files([desk.file("first.csv", [change("2025-03-01")])], [], append=True)
    before = desk.warehouse.read_bytes()
    for row, line in BAD:
        with pytest.raises(RejectedError) as failure:
            desk.load_files([desk.file("bad.csv", [row])], [], append=True)
        assert failure.value.as_lines() == [f"users   1  {line}"]
    both = [change("2025-04-01", country=country) for country in ("IN", "US")]
    with pytest.raises(RejectedError) as failure:
        desk.load_files([desk.file("bad.csv", both)], [], append=True)
    assert failure.value.as_lines() == [
        "users   1  duplicate valid_from of the user: row 2 '2025-04-01'"
    ]
    assert desk.warehouse.read_bytes() == before


def test_a_rejected_change_does_not_reject_its_user(desk: Desk) -> None:
    rows = [USER | {"valid_from": ""}, USER | {"valid_from": "2024-01-01"}]
    report = desk.load(EVENTS[:2], rows, max_rejects=1)
    assert (report.users_loaded, report.events_loaded) == (1, 2)


def test_a_file_without_signup_dates_needs_stored_users_and_a_valid_from(desk: Desk) -> None:
    without = [{name: cell for name, cell in USER.items() if name != "signup_date"}]
    with pytest.raises(ElearnError, match="no column signup_date in its first line"):
        desk.load(users=without)
    with pytest.raises(RejectedError) as failure:
        desk.load(EVENTS[:1], [change("2025-02-01")])
    assert f"users   1  {NOBODY}: row 1 '2025-02-01'" in failure.value.as_lines()


MAPPING = """
user_key = "text"
[users]
user_id = "mail"
signup_date = { from = "joined", format = "%d.%m.%Y" }
valid_from = { from = "since", format = "%d.%m.%Y", default = "" }
plan = { from = "tier", values = { "Gold" = "paid" }, others = "free", default = "free" }
country = { default = "unknown" }
marketing_source = { default = "unknown" }
"""


def people(*rows: tuple[str, str, str, str]) -> list[Row]:
    names = ("mail", "joined", "since", "tier")
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_valid_from_may_be_mapped(desk: Desk, kind: str) -> None:
    def file(name: str, rows: list[Row]) -> str:
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        return desk.file(f"{name}.{kind}", lines if kind == "jsonl" else rows)

    users = people(("b@x", "02.01.2025", "", ""), ("a@x", "01.01.2025", "", ""))
    for row in users:
        del row["since"]
    later = people(("b@x", "", "01.03.2025", "Gold"))
    del later[0]["joined"]
    events = desk.file("events.csv", [EVENT | {"user_id": "b@x"}])
    load_mapped(desk, MAPPING, [events], users=[file("users", users), file("later", later)])
    assert desk.query(CHANGES) == [("2", "2025-03-01", "paid", "unknown", "unknown")]
    more = people(("a@x", "", "01.02.2025", "Gold"), ("c@x", "05.01.2025", "07.01.2025", ""))
    report = load_mapped(desk, MAPPING, [], users=[file("more", more)], append=True)
    assert report.users_loaded == 2
    assert [row[:3] for row in desk.query(CHANGES)] == [
        ("1", "2025-02-01", "paid"),
        ("2", "2025-03-01", "paid"),
        ("3", "2025-01-07", "free"),
    ]
    assert [row[:3] for row in desk.query(HISTORY)][2] == ("3", "2025-01-05", "free")


def test_a_mapping_of_defaults_has_no_valid_from(desk: Desk) -> None:
    mapping = '[users]\nvalid_from = { default = "2025-01-01" }\n'
    with pytest.raises(UsageError, match=r"\[users\] valid_from is not allowed without user_id"):
        load_mapped(desk, mapping, [desk.file("events.csv", EVENTS)])


def test_changes_come_into_a_warehouse_of_an_earlier_version(desk: Desk) -> None:
    generate_warehouse(desk.warehouse, Settings(n_users=5, days=60), workers=1)
    with duckdb.connect(str(desk.warehouse)) as con:
        con.execute("drop table raw.user_changes")
    report = desk.load_files(
        [desk.file("c.csv", [change("2025-02-01"), change("2025-03-01")])], [], append=True
    )
    assert report.users_loaded == len(desk.query(CHANGES)) == 2
