"""What becomes of the rows of a users file with changes, by loops over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.loader.desk import Row

Attributes = tuple[str, str, str]

MISSING = "signup_date is missing"
OTHER_SIGNUP = "signup_date is not the stored one, which never changes"
NOBODY = "valid_from is given for a user who is not among the users"
CHANGE_OF_SIGNUP = "valid_from stands beside another signup_date of the user"
BEFORE = "valid_from is before the user's signup_date"
USER_EXISTS = "user_id already exists; give valid_from, the day of the change"
CHANGE_EXISTS = "valid_from already exists for the user"
DUPLICATE_USER = "duplicate user_id"
DUPLICATE_CHANGE = "duplicate valid_from of the user"


@dataclass
class Judge:
    """Stored users and changes, which each load adds to."""

    signups: dict[str, str] = field(default_factory=dict)
    users: dict[str, Attributes] = field(default_factory=dict)
    changes: dict[tuple[str, str], Attributes] = field(default_factory=dict)

    def load(self, rows: Sequence[Row]) -> list[str]:
        """Return what becomes of each row: "loaded", "repeated", or the reason."""
        found = [self._by_itself(row) for row in rows]
        signups = self._new_signups(rows, found) | self.signups
        for number, row in enumerate(rows):
            if found[number] == "" and row["valid_from"]:
                found[number] = _by_user(row, signups)
        new: dict[tuple[str, str], Attributes] = {}
        for number, row in enumerate(rows):
            if found[number] == "":
                found[number] = self._by_key(row, signups[row["user_id"]], new)
        self._keep(new, signups)
        return found

    def _by_itself(self, row: Row) -> str:
        if not row["signup_date"] and not row["valid_from"]:
            return MISSING
        if row["signup_date"] and "" < row["valid_from"] < row["signup_date"]:
            return BEFORE
        stored = self.signups.get(row["user_id"], row["signup_date"])
        return OTHER_SIGNUP if not row["valid_from"] and row["signup_date"] != stored else ""

    @staticmethod
    def _new_signups(rows: Sequence[Row], found: list[str]) -> dict[str, str]:
        good = [row for row, reason in zip(rows, found, strict=True) if not reason]
        good = [row for row in good if row["signup_date"]]
        signups: dict[str, str] = {}
        for is_later in (False, True):
            for row in good:
                if (row["valid_from"] > row["signup_date"]) == is_later:
                    signups.setdefault(row["user_id"], row["signup_date"])
        return signups

    def _by_key(self, row: Row, signup: str, new: dict[tuple[str, str], Attributes]) -> str:
        user, attributes = row["user_id"], attributes_of(row)
        day = row["valid_from"] or row["signup_date"]
        # A second row without a date may have a signup_date of its own.
        is_first = not row["valid_from"] or day == signup
        key = (user, signup if is_first else day)
        is_same_day = not is_first or day == signup
        stored = self.users.get(user) if is_first else self.changes.get(key)
        if stored is not None:
            if stored == attributes and is_same_day:
                return "repeated"
            return CHANGE_EXISTS if row["valid_from"] else USER_EXISTS
        if key in new:
            if new[key] == attributes and is_same_day:
                return "repeated"
            return DUPLICATE_CHANGE if row["valid_from"] else DUPLICATE_USER
        new[key] = attributes
        return "loaded"

    def _keep(self, new: dict[tuple[str, str], Attributes], signups: dict[str, str]) -> None:
        for (user, day), attributes in sorted(new.items()):
            if user not in self.users:  # the earliest row
                self.users[user], self.signups[user] = attributes, signups[user]
            if day > signups[user]:
                self.changes[user, day] = attributes


def _by_user(row: Row, signups: dict[str, str]) -> str:
    signup = signups.get(row["user_id"])
    if signup is None:
        return NOBODY
    if row["signup_date"] not in ("", signup):
        return CHANGE_OF_SIGNUP
    return BEFORE if row["valid_from"] < signup else ""


def attributes_of(row: Row) -> Attributes:
    return row["plan"], row["country"], row["marketing_source"]


def stored_rows(judge: Judge) -> Iterator[tuple[str, ...]]:
    """Users and changes as they ought to be stored, in order."""
    for user, attributes in sorted(judge.users.items(), key=lambda item: int(item[0])):
        yield (user, judge.signups[user], *attributes)
    for (user, day), attributes in sorted(judge.changes.items()):
        yield (user, day, *attributes)
