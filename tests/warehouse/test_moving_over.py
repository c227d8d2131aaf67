"""A warehouse of the version before is moved over: nothing private stays in its file."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from generator.errors import ElearnError
from generator.loader.load import load_files
from generator.warehouse.moving_over import move_over
from generator.warehouse.paths import private_path
from generator.warehouse.verify import verify_warehouse
from tests.loader.desk import EVENTS, USERS, Desk
from tests.named_moments import Moment, kill_at
from tests.private import query_private
from tests.warehouse.earlier import WORD, write_earlier

OWN = (
    "create sequence counter start 5",
    "select nextval('counter')",
    "create type mood as enum ('good', 'it''s bad')",
    """
    create table notes (
        id integer primary key default nextval('counter'), "odd name" varchar default 'it''s',
        more integer not null, twice integer generated always as (more * 2), mood mood,
        check (more > 0)
    )
    """,
    "comment on column notes.more is 'it''s more'",
    "create schema own",
    'create table own."odd table" (id integer primary key)',
    'create table own.children (id integer references own."odd table" (id))',
    "insert into notes (more, mood) values (1, 'good'), (2, 'it''s bad')",
    "create macro one_more(number) as number + 1",
    "create macro numbers(top) as table select * from range(top)",
    "create view second_view as from notes",
    "create view a_view as select one_more(id) as id from second_view",
    'create index by_mood on notes (mood, lower("odd name"))',
    "create table gone as select 1 as id; create view broken as from gone; drop table gone",
)
OBJECTS = {
    "tables": "select schema_name, table_name, comment from duckdb_tables()",
    "constraints": """
        select schema_name, table_name, constraint_type, constraint_column_names, referenced_table
        from duckdb_constraints()
    """,
    "columns": """
        select schema_name, table_name, column_name, column_default, data_type, comment
        from duckdb_columns()
    """,
    "indexes": "select schema_name, index_name, sql from duckdb_indexes()",
    "views": "select schema_name, view_name, sql from duckdb_views()",
    "macros": """
        select schema_name, function_name, parameters, macro_definition from duckdb_functions()
    """,
    "types": "select schema_name, type_name, labels from duckdb_types()",
}
LEFT_OUT = ("truth", "rejected_rows", "broken")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = write_earlier(tmp_path / "warehouse.duckdb")
    assert WORD in path.read_bytes()
    return path


def run(warehouse: Path, *statements: str) -> list[tuple]:
    with duckdb.connect(str(warehouse)) as con:
        for statement in statements:
            con.execute(statement)
        return con.fetchall()


def objects(warehouse: Path) -> dict[str, list[tuple]]:
    """Everything in a file but what is moved over, and a view that refers to nothing."""
    found = {}
    for kind, sql in OBJECTS.items():
        is_ours = "true" if kind in ("tables", "constraints", "indexes") else "not internal"
        rows = run(warehouse, f"{sql} where {is_ours} order by all")
        found[kind] = [row for row in rows if not {*row[:2]} & {*LEFT_OUT}]
    return found


def check_moved(warehouse: Path) -> None:
    truth = "select count(*), count(churn_date) from private.truth.users"
    assert query_private(warehouse, truth) == [(5, 1)]
    kept = "select load_id, table_name, row_number, user_text from private.rejected_rows"
    assert query_private(warehouse, f"{kept} order by all") == [
        (1, "events", 2, None),
        (1, "users", 2, None),
    ]
    assert WORD not in warehouse.read_bytes()
    assert stat.S_IMODE(private_path(warehouse).stat().st_mode) == 0o600
    assert {*warehouse.parent.iterdir()} == {warehouse, private_path(warehouse)}


def test_truth_and_quarantine_move_over_and_their_bytes_are_gone(warehouse: Path) -> None:
    warehouse.chmod(0o640)
    before = verify_warehouse(warehouse)
    move_over(warehouse)
    check_moved(warehouse)
    assert before.matches
    assert verify_warehouse(warehouse) == before
    assert stat.S_IMODE(warehouse.stat().st_mode) == 0o640


def test_what_a_person_made_goes_along(warehouse: Path) -> None:
    run(warehouse, *OWN)
    before = objects(warehouse)
    rows = "select *, (select max(id) from a_view), (select sum(range) from numbers(3)) from notes"
    content = run(warehouse, rows)
    move_over(warehouse)
    after = objects(warehouse)
    for kind in OBJECTS:
        assert after[kind] == before[kind], kind
    assert run(warehouse, rows) == content
    new = run(warehouse, "insert into notes (more) values (3)", "select max(id) from notes")
    assert new > [(7,)]  # a sequence may leave numbers out, and gives none twice


def test_a_warehouse_that_was_moved_over_is_let_be(warehouse: Path) -> None:
    move_over(warehouse)
    before = warehouse.read_bytes(), private_path(warehouse).read_bytes()
    move_over(warehouse)
    assert (warehouse.read_bytes(), private_path(warehouse).read_bytes()) == before


MOVING = "generator.warehouse.moving_over"
MOMENTS = {
    "moved_but_not_yet_committed": Moment("after", f"{MOVING}._move"),
    "committed": Moment("before", f"{MOVING}.write_anew"),
    "written_anew": Moment("after", f"{MOVING}.write_anew"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_move_that_was_killed_is_done_again(moment: str, warehouse: Path) -> None:
    kill_at(MOMENTS[moment], warehouse.parent, "publish")
    assert verify_warehouse(warehouse).matches
    move_over(warehouse)
    check_moved(warehouse)


def test_a_load_moves_over_and_adds_to_the_quarantine(warehouse: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    users, events = desk.file("u.csv", USERS), desk.file("e.csv", [*EVENTS, {"event_id": "x"}])
    load_files(warehouse, [users], [events], max_rejects=1)
    kept = "select load_id, count(*) from private.rejected_rows group by all order by all"
    assert query_private(warehouse, kept) == [(1, 2), (3, 1)]
    assert WORD not in warehouse.read_bytes()


def test_a_foreign_key_to_what_moves_is_refused(warehouse: Path) -> None:
    run(warehouse, "create table truth.guesses (id integer references truth.users (user_id))")
    before = warehouse.read_bytes()
    with pytest.raises(ElearnError, match=r"foreign key of truth\.guesses refers to a table"):
        move_over(warehouse)
    assert warehouse.read_bytes() == before
    assert not private_path(warehouse).exists()
