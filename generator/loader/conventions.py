"""What belongs to a warehouse and not to one load: the zone of its days, and what its ids are."""

from __future__ import annotations

import json

from generator.errors import UsageError
from generator.loader.mapping import INTEGER_KEY
from generator.loader.text_format import UTC
from generator.warehouse.file import Connection
from generator.warehouse.tables import LOADS


def check_conventions(con: Connection, days_in: str, user_key: str) -> None:
    """Raise UsageError when an append would mix zones of days, or kinds of ids."""
    stored = conventions(con)
    for name, given, option in (
        ("days_in", days_in, "--days-in"),
        ("user_key", user_key, "--mapping"),
    ):
        if stored[name] != given:
            raise UsageError(
                f"{option}: {name} of the warehouse is {stored[name]!r}, not {given!r};"
                " give the same mapping and zone as before, or load without --append"
            )


def conventions(con: Connection) -> dict[str, str]:
    """Return days_in and user_key as the last load of data says.

    An older one, or a simulation, names none.
    """
    plain = {"days_in": UTC, "user_key": INTEGER_KEY}
    query = (
        f"select settings from {LOADS.name} where kind <> 'erased' order by load_id desc limit 1"
    )
    found = con.execute(query).fetchall()
    settings = json.loads(found[0][0]) if found else {}
    return plain | {name: settings[name] for name in plain if name in settings}
