"""Words to erase, and what is left of them."""

from __future__ import annotations

import secrets
from pathlib import Path

import duckdb

from generator.erasing import erase
from generator.erasing.report import ErasureReport
from generator.erasing.wanted import wanted_of
from generator.loader.load_report import LoadReport
from generator.loader.mapping_file import read_mapping
from generator.loader.text_format import TextFormat
from generator.warehouse.paths import private_path
from tests.loader.desk import EVENT, EVENTS, USERS, Desk, Row

WORD = secrets.token_hex(20)
"""Stands in rows of user 2 alone, and in an index, which keeps texts as they are."""
TEXT_KEYS = """
user_key = "text"
[users]
user_id = "user_id"
signup_date = "signup_date"
plan = "plan"
country = "country"
marketing_source = "marketing_source"
"""
BAD = EVENT | {"event_id": "13", "event_type": "?"}


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement)


def take_out(desk: Desk, dry_run: bool = False, **given: str) -> ErasureReport:
    wanted = wanted_of({option: [text] for option, text in given.items()})
    return erase(desk.warehouse, wanted, dry_run=dry_run)


def load_with_word(desk: Desk) -> None:
    """Load a word of user 2 into an event, a user's row, and the quarantine."""
    events = [*EVENTS[:2], EVENTS[2] | {"course_name": WORD}]
    users = [USERS[0], USERS[1] | {"country": WORD}]
    bad = BAD | {"user_id": "2", "course_name": WORD}
    desk.load([*events, bad, BAD | {"event_id": "14"}], users, max_rejects=2)
    change(
        desk.warehouse,
        "create unique index by_course on raw.events (course_name)",
        "create unique index by_country on raw.users (country)",
    )
    change(private_path(desk.warehouse), 'create unique index by_row on rejected_rows ("row")')


def all_bytes(desk: Desk) -> dict[str, bytes]:
    return {
        str(path.relative_to(desk.folder)): path.read_bytes()
        for path in desk.folder.rglob("*")
        if path.is_file() and path.suffix not in (".csv", ".txt", ".toml")
    }


def holding_the_word(desk: Desk) -> list[str]:
    return sorted(name for name, content in all_bytes(desk).items() if WORD.encode() in content)


def load_keys(desk: Desk, users: list[Row], events: bytes | list[Row], **more: int) -> LoadReport:
    file = desk.file("keys.toml", TEXT_KEYS.encode())
    mapping = read_mapping(file)
    return desk.load(
        events, users, mapping=mapping, text_format=TextFormat.of(mapping, [], None, None, None),
        **more,
    )  # fmt: skip
