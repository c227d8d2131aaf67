"""Erasure finds a user's rows in the quarantine, however the export wrote the id or key."""

from __future__ import annotations

import json

import pytest

from generator.errors import UsageError
from generator.loader.mapping_file import read_mapping
from generator.loader.text_format import TextFormat
from tests.erasing.desk import BAD, TEXT_KEYS, load_keys, take_out
from tests.loader.desk import EVENTS, USERS, Desk, as_csv


def test_who_stands_only_in_the_quarantine_goes_too_as_a_whole_word(desk: Desk) -> None:
    bad = [BAD | {"user_id": user} for user in ("007", "77", "x7", "9")]
    lines = as_csv([*EVENTS, *bad]) + b"one,more,for 7\none,more,for 77\none,more,7th\n"
    desk.load(lines, max_rejects=7)
    assert take_out(desk, user_id="7").rows == {"main.rejected_rows": 2}
    left = desk.query(
        """
        select coalesce(user_text, trim(row ->> '$.line', chr(10)))
        from private.rejected_rows order by all
        """
    )
    assert [text for (text,) in left] == ["77", "9", "one,more,7th", "one,more,for 77", "x7"]
    with pytest.raises(UsageError, match="no such user is known; nothing was changed"):
        take_out(desk, user_id="7")


def test_a_key_with_a_quote_is_found_in_lines_that_nobody_could_read(desk: Desk) -> None:
    lines = as_csv([EVENTS[0] | {"user_id": 'o"hara'}]) + b'1,"o""hara",x\n1,"o""harax",x\n'
    load_keys(desk, [USERS[0] | {"user_id": 'o"hara'}], lines, max_rejects=2)
    assert take_out(desk, user_key='o"hara').rows["main.rejected_rows"] == 1
    [(line,)] = desk.query("select row ->> '$.line' from private.rejected_rows")
    assert "harax" in line


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("josé", r"jos\u00e9"),
        ("josé", r"jos\u00E9"),
        ("DOM\\bob", r"DOM\\bob"),
        ("a/b", r"a\/b"),
        ('o"hara', r"o\"hara"),
    ],
)
def test_a_key_is_found_as_json_lines_write_it(key: str, written: str, desk: Desk) -> None:
    good = json.dumps(EVENTS[0] | {"user_id": "other"})
    lines = f'{good}\n{{"event_id":3,"user_id":"{written}","event_t\n'
    mapping = read_mapping(desk.file("keys.toml", TEXT_KEYS.encode()))
    desk.load_files(
        [desk.file("users.csv", [USERS[0] | {"user_id": name} for name in (key, "other")])],
        [desk.file("events.jsonl", lines.encode())],
        mapping=mapping,
        text_format=TextFormat.of(mapping, [], None, None, None),
        max_rejects=1,
    )
    assert len(desk.query("from private.rejected_rows")) == 1
    assert take_out(desk, user_key=key).rows["main.rejected_rows"] == 1
    assert not desk.query("select * from private.rejected_rows")


@pytest.mark.parametrize("option", ["file", "user_id"])
def test_keys_in_a_file_and_numbers_of_users_with_keys_find_the_same_rows(
    option: str, desk: Desk
) -> None:
    users = [row | {"user_id": key} for row, key in zip(USERS, ("ann", "bob"), strict=True)]
    events = [EVENTS[0] | {"user_id": "ann"}, BAD | {"user_id": "bob"}, BAD | {"user_id": "ann"}]
    load_keys(desk, users, events, max_rejects=2)
    given = desk.file("keys.txt", b"bob\n2\nnobody\n") if option == "file" else "2"
    report = take_out(desk, **{option: given})
    assert (report.users, report.unknown) == (1, 2 if option == "file" else 0)
    assert desk.query("select user_text from private.rejected_rows") == [("ann",)]
    assert desk.query("from private.user_keys") == [(1, "ann")]
