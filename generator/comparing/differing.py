"""The rows of one table that differ between two files, found by hashes.

Keys and hashes of A are joined to the rows of B, and of A only the rows that differ are read again.
To sort out first what stands at the same place, or whose hashes add up to the same by user and day,
costs as much as the join.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from generator.comparing.pair import Pair
from generator.comparing.result import Flips, TableResult
from generator.warehouse.file import Connection
from generator.warehouse.sql import name_in, one_row, quoted

LABEL = "churn_label"
CHANGES = ("added", "removed", "changed")


class Differing:
    """The differing rows of a table, in temporary tables of the connection until the next one."""

    def __init__(self, con: Connection, pair: Pair) -> None:
        self._con = con
        self._pair = pair
        self._key = [name_in(name) for name in pair.key]
        self._there = [number for number in (0, 1) if pair.is_in[number]]
        if len(self._there) == 2:
            self._find()

    def result(self) -> TableResult:
        """Count what differs."""
        pair = self._pair
        counts = dict.fromkeys(CHANGES, 0)
        days: list[str] = []
        for number in self._there:
            counts |= self._counts(number)
            days += self._days(number)
        return TableResult(
            name=pair.name,
            rows_a=self._row_count(0),
            rows_b=self._row_count(1),
            **counts,
            columns=self._changed_columns() if counts["changed"] else {},
            labels_flipped=self._flips() if counts["changed"] and LABEL in pair.shared else None,
            first_day=min(days, default=None),
            last_day=max(days, default=None),
            is_in=pair.is_in,
            only_in=(tuple(pair.only_in(0)), tuple(pair.only_in(1))),
            retyped=pair.retyped,
        )

    def write(self, path: Path) -> None:
        """Write the differing rows as Parquet, those that changed as both files have them.

        A column ``change`` says what became of a row, and ``file`` whose row it is, a or b.
        """
        parts = " union all by name ".join(
            f"select change, '{self._letter(number)}' as file, * exclude (change)"
            f" from {self._rows(number)}"
            for number in self._there
        )
        order = _listed([*self._key, "file"])
        self._con.execute(
            f"copy (from ({parts}) order by {order}) to {quoted(str(path))}"
            # a dictionary would hold -0.0 and 0.0 as one value
            " (format parquet, compression zstd, dictionary_size_limit 0)"
        )

    def _find(self) -> None:
        a, b = (self._pair.relation(number) for number in (0, 1))
        self._make(
            "b_differing",
            f"""
            select
                case when a.row_hash is null then 'added' else 'changed' end as change,
                b.* exclude (row_hash)
            from ({self._hashed(1, "*")}) as b
            left join ({self._hashed(0, _listed(self._key))}) as a on {self._same_key("a", "b")}
            where a.row_hash is distinct from b.row_hash
            """,
        )
        changed = f"""
            select 'changed' as change, a.* from {a} as a
            semi join b_differing as b on {self._same_key("a", "b")}
        """
        removed = f"""
            select 'removed' as change, a.* from {a} as a
            anti join {b} as b on {self._same_key("a", "b")}
        """
        in_both = self._row_count(1) - self._counts(1).get("added", 0)
        is_removed = self._row_count(0) > in_both
        self._make("a_differing", f"{changed} union all {removed}" if is_removed else changed)

    def _hashed(self, number: int, columns: str) -> str:
        """Return the query of columns of each row and of a hash of all bits outside its key."""
        bits = [bit for name in self._pair.values for bit in self._pair.bits(name, "t")]
        return f"""
            select {columns}, hash({_listed(bits or ["0"])}) as row_hash
            from {self._pair.relation(number)} as t
        """

    def _counts(self, number: int) -> dict[str, int]:
        rows = self._con.execute(
            f"select change, count(*) from {self._rows(number)} group by change"
        ).fetchall()
        return dict(rows)

    def _days(self, number: int) -> list[str]:
        day = self._pair.day
        if day is None:
            return []
        query = f"select min({name_in(day)}), max({name_in(day)}) from {self._rows(number)}"
        ends = one_row(self._con, query)
        return [str(end) for end in ends if end is not None]

    def _changed_columns(self) -> dict[str, int]:
        """Return in how many changed rows each column differs, of those that differ at all."""
        names = self._pair.values
        differs = [
            " or ".join(
                f"{a} is distinct from {b}"
                for a, b in zip(self._pair.bits(name, "a"), self._pair.bits(name, "b"), strict=True)
            )
            for name in names
        ]
        found = self._of_changed(_listed(f"count(*) filter ({condition})" for condition in differs))
        return {name: count for name, count in zip(names, found, strict=True) if count}

    def _flips(self) -> Flips:
        up, down = self._of_changed(
            f"count(*) filter (a.{LABEL} = 0 and b.{LABEL} = 1),"
            f" count(*) filter (a.{LABEL} = 1 and b.{LABEL} = 0)"
        )
        return Flips(up, down)

    def _of_changed(self, counts: str) -> tuple[int, ...]:
        """Return counts over the changed rows, as they are in a and in b."""
        return one_row(
            self._con,
            f"""
            select {counts} from a_differing as a
            inner join b_differing as b on {self._same_key("a", "b")}
            """,
        )

    def _same_key(self, one: str, other: str) -> str:
        return " and ".join(f"{one}.{key} = {other}.{key}" for key in self._key)

    def _rows(self, number: int) -> str:
        """Return the differing rows of one side; of a table that it alone has, all differ."""
        if len(self._there) == 2:
            return f"{self._letter(number)}_differing"
        change = ("removed", "added")[number]
        return f"(select '{change}' as change, * from {self._pair.relation(number)})"

    def _row_count(self, number: int) -> int:
        if number not in self._there:
            return 0
        return int(one_row(self._con, f"select count(*) from {self._pair.relation(number)}")[0])

    def _letter(self, number: int) -> str:
        return self._pair.sides[number].letter

    def _make(self, table: str, query: str) -> None:
        self._con.execute(f"create or replace temp table {table} as {query}")


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
