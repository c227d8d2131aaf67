"""What raw.loads keeps of a load: counts and shapes, against plain Python."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from generator import Settings
from generator.sinks.daily import generate_through
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.tables import EVENTS, USER_CHANGES, USERS
from tests.erasing.desk import take_out
from tests.loader.desk import EVENT, USER, Desk, Row
from tests.warehouse.earlier import write_earlier

MEASURES = ("watch_minutes", "quiz_score", "amount")
TABLES = {"users": USERS, "events": EVENTS, "user_changes": USER_CHANGES}
WORD = "plantedword7c1e"


def profiles(path: Path) -> list[dict[str, Any] | None]:
    with duckdb.connect(str(path), read_only=True) as con:
        texts = con.execute("select profile from raw.loads order by load_id").fetchall()
    return [None if text is None else json.loads(text) for (text,) in texts]


def rows_of(path: Path, table: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(path), read_only=True) as con:
        found = con.execute(f"from {table}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def judged(rows: list[dict[str, Any]], columns: list[str]) -> dict[str, dict[str, Any]]:
    """The profile of each column of some rows, in exact numbers."""
    found: dict[str, dict[str, Any]] = {}
    for name in columns:
        values = [row[name] for row in rows if row[name] is not None]
        said: dict[str, Any] = {"null_share": 1 - len(values) / len(rows) if rows else None}
        if name in MEASURES:
            total = sum(Fraction(str(value)) for value in values)
            ranked = sorted(values)
            said["mean"] = float(total / len(values)) if values else None
            places = [max(math.ceil(tenth * len(values) / 10), 1) - 1 for tenth in range(1, 10)]
            said["deciles"] = [ranked[place] for place in places] if values else None
        if name == "event_type":
            said["event_mix"] = dict(sorted(Counter(values).items()))
        found[name] = said
    return found


def check(profile: dict[str, Any], table: str, rows: list[dict[str, Any]]) -> None:
    columns = [name for name in TABLES[table].column_names if name != "engagement_score"]
    expected = judged(rows, columns)
    assert profile[table]["rows"] == len(rows)
    assert list(profile[table]["columns"]) == columns
    for name, said in profile[table]["columns"].items():
        wanted = expected[name]
        share = said.pop("null_share"), wanted.pop("null_share")
        assert share[0] == share[1] or math.isclose(*share, abs_tol=1e-12), name
        mean = said.pop("mean", None), wanted.pop("mean", None)
        assert mean[0] == mean[1] or math.isclose(*mean, rel_tol=1e-12), name
        assert said == wanted, name


def drawn(rng: random.Random, first_id: int, rows: int) -> list[Row]:
    events = []
    for number in range(rows):
        kind = rng.choice(["login", "video_watch", "quiz_attempt", "payment_success"])
        events.append(
            EVENT
            | {
                "event_id": str(first_id + number),
                "event_time": f"2025-01-{rng.randint(2, 20):02} 10:00:00",
                "event_type": kind,
                "course_name": rng.choice(["", WORD]),
                "watch_minutes": rng.choice(["", f"{rng.uniform(0, 90):.4f}"]),
                "quiz_score": rng.choice(["", str(rng.randint(0, 100))]),
                "amount": f"{rng.uniform(1, 1000):.2f}" if kind == "payment_success" else "",
            }
        )
    return events


def test_a_load_says_what_it_brought(desk: Desk) -> None:
    events = drawn(random.Random(1), 10, 300)
    users = [USER, USER | {"user_id": "2"}, USER | {"valid_from": "2025-02-01", "plan": "paid"}]
    desk.load([*events, events[0], EVENT | {"event_type": "dance"}], users, max_rejects=1)
    [profile] = profiles(desk.warehouse)
    assert profile is not None
    for table in TABLES:
        check(profile, table, rows_of(desk.warehouse, f"raw.{table}"))
    counts = ("late_rows", "repeated", "ignored", "rejected")
    assert [profile["events"][count] for count in counts] == [0, 1, 0, 1]
    assert WORD not in json.dumps(profile)


def test_an_append_says_what_is_new_and_what_is_late(desk: Desk) -> None:
    desk.load(drawn(random.Random(2), 10, 50), [USER])
    before = {row["event_id"] for row in rows_of(desk.warehouse, "raw.events")}
    last_day = max(row["event_date"] for row in rows_of(desk.warehouse, "raw.events"))
    late = [
        EVENT | {"event_id": "900", "event_time": f"{last_day - timedelta(days=1)} 09:00:00"},
        EVENT | {"event_id": "901", "event_time": f"{last_day} 09:00:00"},
        EVENT | {"event_id": "902", "event_time": f"{last_day + timedelta(days=1)} 09:00:00"},
    ]
    changes = [
        {"user_id": "1", "valid_from": day, **{name: USER[name] for name in named}}
        for day in ("2025-01-03", "2025-03-01")
        for named in [("plan", "country", "marketing_source")]
    ]
    desk.load(late, changes, append=True)
    profile = profiles(desk.warehouse)[1]
    assert profile is not None
    new = [r for r in rows_of(desk.warehouse, "raw.events") if r["event_id"] not in before]
    check(profile, "events", new)
    assert [profile[table]["rows"] for table in TABLES] == [0, 3, 2]
    assert [profile[table]["late_rows"] for table in TABLES] == [0, 1, 1]
    desk.load(late, None, append=True)
    again = profiles(desk.warehouse)[2]
    assert again is not None
    assert (again["events"]["rows"], again["events"]["repeated"]) == (0, 3)
    assert again["events"]["columns"]["amount"] == {
        "null_share": None,
        "mean": None,
        "deciles": None,
    }


def test_a_simulation_says_the_same_by_any_number_of_workers(tmp_path: Path) -> None:
    settings = Settings(n_users=120, days=50, upgrade_rate=0.4)
    paths = [tmp_path / f"by_{workers}.duckdb" for workers in (1, 3)]
    for path, workers in zip(paths, (1, 3), strict=True):
        generate_warehouse(path, settings, workers=workers)
    [one], [other] = map(profiles, paths)
    assert json.dumps(one) == json.dumps(other)
    assert one is not None
    for table in TABLES:
        check(one, table, rows_of(paths[0], f"raw.{table}"))


def test_each_step_of_an_arriving_simulation_says_its_own_days(tmp_path: Path) -> None:
    path, settings = tmp_path / "warehouse.duckdb", Settings(n_users=60, days=40, upgrade_rate=0.9)
    for days in (20, 27):
        through = settings.start_date + timedelta(days=days - 1)
        generate_through(path, settings, through, replace=False, workers=1)
    profile = profiles(path)[1]
    assert profile is not None
    first_day = settings.start_date + timedelta(days=20)
    events = rows_of(path, "raw.events")
    check(profile, "events", [row for row in events if row["event_date"] >= first_day])
    changes = rows_of(path, "raw.user_changes")
    check(profile, "user_changes", [row for row in changes if row["valid_from"] >= first_day])
    assert profile["users"]["rows"] == 0
    assert profile["events"]["late_rows"] == 0


def test_an_erasure_takes_the_shapes_of_the_values(desk: Desk) -> None:
    desk.load(
        [EVENT | {"event_type": "payment_success", "amount": "321.1234"}]
        + [
            EVENT | {"event_id": str(100 + n), "event_type": "quiz_attempt", "quiz_score": str(n)}
            for n in range(100)
        ],
        [USER, USER | {"user_id": "2"}],
    )
    assert "321.1234" in json.dumps(profiles(desk.warehouse))
    take_out(desk, user_id="2")
    first, erasure = profiles(desk.warehouse)
    assert erasure is None
    assert first is not None
    assert first["events"]["columns"]["amount"].keys() == {"null_share"}
    assert first["events"]["columns"]["quiz_score"].keys() == {"null_share"}
    assert b"321.1234" not in desk.warehouse.read_bytes()


def test_an_earlier_warehouse_gets_the_column_with_the_next_load(tmp_path: Path) -> None:
    path = write_earlier(tmp_path / "warehouse.duckdb")
    desk = Desk(tmp_path)
    desk.load([EVENT | {"event_id": "99"}], [USER])
    *earlier, now = profiles(path)
    assert set(earlier) == {None}
    assert now is not None
    assert now["events"]["rows"] == 1
    assert rows_of(path, "raw.events")[0]["event_date"] == date(2025, 1, 2)
