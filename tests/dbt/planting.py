"""A built world in memory, in which faults are planted one at a time for the shipped data tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random

from generator.vocabulary import EVENT_TYPES
from tests.dbt.judge import Event, User, UserChange, World
from tests.dbt.marts import Connection, Marts
from tests.dbt.worlds import numbered

FIRST_DAY, DAYS = date(2024, 1, 10), 100


def rich_world() -> World:
    """Return users in whom every formula shows: pauses, late signups, odd scores, lone payments."""
    random = Random(7)
    users, events = [], []
    for number in range(1, 25):
        plan = random.choice(["free", "paid"])
        signup = FIRST_DAY + timedelta(days=random.randint(-40, 20))
        country, source = random.choice(["IN", "US", "UK"]), random.choice(["ads", "youtube"])
        users.append(User(number, signup, plan, int(plan == "paid"), country, source, None))
        events += history(random, users[-1])
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    never_seen, seen_once = (users[0]._replace(user_id=number) for number in (90, 91))
    too_late = users[0]._replace(user_id=92, signup_date=last_day + timedelta(days=1))
    users += [never_seen, seen_once, too_late]
    once = event(random, seen_once, last_day - timedelta(days=20))
    events.append(once._replace(event_type="video_watch"))
    return World(tuple(users), numbered(events), tuple(changes_of(users)))


def changes_of(users: list[User]) -> list[UserChange]:
    """Return what two of three users become on a day, and most of those again a while later."""
    changed = [user for user in users if user.user_id % 3]
    return [
        UserChange(
            user.user_id,
            max(user.signup_date, FIRST_DAY) + timedelta(days=days),
            plan,
            int(plan == "paid"),
            country,
            source,
        )
        for user in changed
        for days, plan, country, source in (
            (user.user_id, "paid", "FR", "radio"),
            (2 * user.user_id + 9, "free", "FR", "ads"),
        )
    ]


def history(random: Random, user: User) -> list[Event]:
    """Return events on two of three days but in a long pause, most on the first of a month.

    Half of the users are not there at all during their pause.
    """
    pause = random.randint(20, 60)
    end = pause + [33, 45, DAYS][user.user_id % 3]
    found = []
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        share = 0.67 if not pause <= number < end else 0.04 * (user.user_id % 2)
        if day >= user.signup_date and random.random() < share:
            events = random.choice([1, 1, 2, 5]) if day.day > 1 else 9
            found += [event(random, user, day) for _ in range(events)]
    return found


def event(random: Random, user: User, day: date) -> Event:
    """Return an event of any type with measures, whether they belong to the type or not."""
    minutes, score, amount = (random.randrange(1, 600_000) / 10_000 for _ in range(3))
    moment = datetime.combine(day, time(random.randrange(24)))
    return Event(
        event_id=0,
        user_id=user.user_id,
        event_time=moment,
        event_type=random.choice(EVENT_TYPES),
        event_date=day,
        watch_minutes=random.choice([minutes, minutes, None]),
        quiz_score=random.choice([score, score, None, 0.0]),
        amount=amount,
    )


@dataclass(frozen=True)
class Ground:
    """A built world, and the sound marts beside it in the schema ``sound``."""

    con: Connection
    marts: Marts

    @classmethod
    @contextmanager
    def build(cls, marts: Marts) -> Iterator[Ground]:
        with marts.build(rich_world()) as con:
            con.execute("create schema sound")
            for model in marts.models:
                con.execute(f"create table {sound(model.name)} as from {model.name}")
            yield cls(con, marts)

    def columns(self, mart: str) -> dict[str, str]:
        """Return the types of a mart's columns by their names."""
        rows = self.con.execute(f"select column_name, column_type from (describe {mart})")
        return dict(rows.fetchall())

    def failing_test(self, faulty: Marts) -> str | None:
        """Build what a fault reaches; return the first test that fails, None if it survives.

        A test runs as soon as all that it reads is built, for most faults are found early.
        """
        waiting = self._reached(faulty)
        self.con.execute("begin")
        try:
            for model in [model for model in faulty.models if model.name in waiting]:
                model.build(self.con)
                waiting.remove(model.name)
                for test in faulty.tests:
                    is_ready = model.name in test.parents and not waiting & test.parents
                    if is_ready and test.fails(self.con):
                        return test.name
            assert self._differs(), "the fault changes nothing"
            return None
        finally:
            self.con.execute("rollback")

    def _reached(self, faulty: Marts) -> set[str]:
        """Return the names of the models that a fault is in, and of all that are made from them."""
        reached: set[str] = set()
        for model, as_it_was in zip(faulty.models, self.marts.models, strict=True):
            if model != as_it_was or reached & model.parents:
                reached.add(model.name)
        return reached

    def _differs(self) -> bool:
        pairs = [(model.name, sound(model.name)) for model in self.marts.models]
        return any(
            self.con.execute(f"from {one} except all from {other} limit 1").fetchall()
            for pair in pairs
            for one, other in (pair, pair[::-1])
        )


def sound(name: str) -> str:
    """Return where the sound content of a model stands."""
    return f"sound.{name.split('.')[1]}"


def with_fault(marts: Marts, name: str, sql: str) -> Marts:
    """Return the project with other SQL for one model."""
    models = [
        replace(model, sql=sql) if model.name.endswith(f".{name}") else model
        for model in marts.models
    ]
    return replace(marts, models=tuple(models))


def with_fault_everywhere(marts: Marts, right: str, wrong: str) -> Marts:
    """Return the project with all SQL changed, as by a fault of a macro that tests use too."""
    models, tests = (
        tuple(replace(node, sql=node.sql.replace(right, wrong)) for node in nodes)
        for nodes in (marts.models, marts.tests)
    )
    return replace(marts, models=models, tests=tests)
