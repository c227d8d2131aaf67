"""What a person made on raw.users and raw.events: a load that replaces them respects it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Elearn

GENERATE = ("generate", "--n-users", 5, "--days", 5)

LOAD = ("load", "--users", "users.csv", "--events", "events.csv")

REPLACING = {
    "load": LOAD,
    "generate": GENERATE,
    "generate --through": (*GENERATE, "--through", "2025-01-03", "--replace"),
}

KEYS = {
    "raw.notes to raw.users": (
        "create table raw.notes (user_id integer references raw.users (user_id))"
    ),
    "raw.my notes to raw.events": (
        'create table raw."my notes" (id bigint references raw.events (event_id))'
    ),
    "raw.visits to raw.users": (
        "create table raw.visits (visitor integer references raw.users (user_id))"
    ),
}


@pytest.fixture
def warehouse(elearn: Elearn, tmp_path: Path) -> Path:
    """A warehouse, and files of one new user and one new event beside it."""
    elearn(*GENERATE)
    (tmp_path / "users.csv").write_text(
        "user_id,signup_date,plan,country,marketing_source\n900,2025-01-01,free,North,organic\n"
    )
    (tmp_path / "events.csv").write_text(
        "event_id,user_id,event_time,event_type\n900,900,2025-01-02 10:00:00,login\n"
    )
    return tmp_path / "warehouse.duckdb"


def run(warehouse: Path, *statements: str) -> list[tuple]:
    with duckdb.connect(str(warehouse)) as con:
        for statement in statements:
            con.execute(statement)
        return con.fetchall()


@pytest.mark.parametrize(("command", "key"), [*zip(REPLACING, KEYS, strict=True)])
def test_a_foreign_key_of_ones_own_stops_what_replaces_in_one_line(
    command: str, key: str, warehouse: Path, elearn: Elearn
) -> None:
    run(warehouse, KEYS[key])
    before = warehouse.read_bytes()
    done = elearn(*REPLACING[command], check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: a foreign key refers to a table that would be replaced ({key}); drop the table"
        " that has the key, or add to what is loaded with `elearn load --append`; nothing was"
        " changed\n"
    )
    assert warehouse.read_bytes() == before


def test_all_keys_are_named_at_once(warehouse: Path, elearn: Elearn) -> None:
    run(warehouse, *KEYS.values())
    done = elearn(*GENERATE, check=False)
    assert f"({'; '.join(sorted(KEYS))})".replace(";", ",") in done.stderr


def test_what_the_line_advises_works(warehouse: Path, elearn: Elearn) -> None:
    run(warehouse, *KEYS.values(), "insert into raw.notes select min(user_id) from raw.users")
    elearn(*LOAD, "--append")
    assert run(warehouse, "select count(*) from raw.users") == [(6,)]
    run(warehouse, "drop table raw.notes", 'drop table raw."my notes"', "drop table raw.visits")
    elearn(*LOAD)
    assert run(warehouse, "from raw.users select user_id") == [(900,)]


OWN = (
    "create view my_users as from raw.users",
    "create macro number_of_events() as (select count(*) from raw.events)",
    'create index "by country" on raw.users (lower(country), plan)',
    "create unique index by_time on raw.events (user_id, event_time, event_type)",
)


@pytest.mark.parametrize("command", REPLACING)
def test_views_macros_and_indexes_of_ones_own_go_on_working(
    command: str, warehouse: Path, elearn: Elearn
) -> None:
    indexes = "from duckdb_indexes() select table_name, index_name, sql order by all"
    before = run(warehouse, *OWN, indexes)
    assert len(before) == 2
    done = elearn(*REPLACING[command], "--json")
    assert run(warehouse, indexes) == before
    counts = "select (select count(*) from my_users), number_of_events()"
    assert run(warehouse, counts) == [counted(json.loads(done.stdout))]
    taken = "insert into raw.events select * replace (-1 as event_id) from raw.events limit 1"
    with pytest.raises(duckdb.ConstraintException, match=r"[Dd]uplicate"):
        run(warehouse, taken)


def test_an_index_on_a_table_that_a_load_takes_away_stops_no_load(
    warehouse: Path, elearn: Elearn
) -> None:
    elearn(*GENERATE, "--treatment-ratio", 0.5)
    by_group = "create index by_group on raw.experiment_assignments (treatment_group)"
    run(warehouse, by_group, *OWN)
    elearn(*LOAD)
    assert len(run(warehouse, "from duckdb_indexes()")) == 2


def counted(result: dict) -> tuple[int, int]:
    """Users and events, as each command prints them."""
    if "rows" in result:
        return result["rows"]["raw.users"], result["rows"]["raw.events"]
    return result["users_loaded"], result["events_loaded"]


def test_new_rows_that_do_not_fit_a_unique_index_of_ones_own_are_refused_in_one_line(
    warehouse: Path, elearn: Elearn
) -> None:
    one = "select min(event_id) from raw.events"
    run(warehouse, f"delete from raw.events where event_id > ({one})")
    run(warehouse, "create unique index by_type on raw.events (event_type)")
    before = warehouse.read_bytes()
    done = elearn(*GENERATE, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "; drop the unique index that you made: the new rows do not fit it\n"
    )
    assert done.stderr.count("\n") == 1
    assert warehouse.read_bytes() == before
