"""An erasure that is killed at any moment."""

from __future__ import annotations

import pytest

from generator.warehouse.file import read_warehouse
from generator.warehouse.private import read_private
from generator.warehouse.verify import verify_warehouse
from tests.erasing.desk import WORD, all_bytes, load_with_word, take_out
from tests.loader.desk import Desk
from tests.named_moments import Moment, kill_at
from tests.private import query_private

NEXT = "generator.warehouse.next_private_file.NextPrivateFile"
MOMENTS = {
    "begun": Moment("after", f"{NEXT}.copy"),
    "sealed": Moment("after", f"{NEXT}.seal"),
    "before_the_rename": Moment("after", "generator.warehouse.anew.sync"),
    "after_the_rename": Moment("after", "generator.erasing.write_anew"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_erasure_killed_at_any_moment_is_whole_or_did_not_happen(
    moment: str, desk: Desk
) -> None:
    load_with_word(desk)
    kill_at(MOMENTS[moment], desk.folder, "erase", "--user-id", 2)
    with read_warehouse(desk.warehouse) as con, read_private(con, desk.warehouse):
        pass  # any command that reads the private file finishes it
    is_erased = moment == "after_the_rename"
    assert {*all_bytes(desk)} == {"warehouse.duckdb", "warehouse.private.duckdb"}
    found = {name: WORD.encode() in content for name, content in all_bytes(desk).items()}
    assert set(found.values()) == {not is_erased}
    assert desk.query("select count(*) from raw.users") == [(1 if is_erased else 2,)]
    kept = query_private(desk.warehouse, "select count(*) from private.rejected_rows")
    assert kept == [(1 if is_erased else 2,)]
    assert verify_warehouse(desk.warehouse).matches
    if not is_erased:
        take_out(desk, user_id="2")
        assert not [name for name, content in all_bytes(desk).items() if WORD.encode() in content]
