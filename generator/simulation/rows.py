"""Blocks of the simulation as Arrow tables, by the names of the warehouse's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from generator.settings import Settings
from generator.simulation.arrays import Bools, Floats, Ints
from generator.simulation.clock import SECONDS_PER_DAY
from generator.simulation.courses import COURSES
from generator.simulation.history import Block, Events, event_ids
from generator.simulation.users import COUNTRIES, MARKETING_SOURCES
from generator.vocabulary import EVENT_TYPES, FIRST_DATE, GROUPS, PLANS

Rows = dict[str, pa.Table]
"""Rows of each table that the simulation fills, such as ``raw.users``; texts as dictionaries."""


def joined(blocks: Iterable[Rows]) -> Rows:
    """Return the rows of several blocks as one, table by table."""
    several = list(blocks)
    return {name: pa.concat_tables(rows[name] for rows in several) for name in several[0]}


def block_rows(settings: Settings, block: Block, user_ids: range) -> Rows:
    """Return the rows of those users of a block whose ids are asked for."""
    user_id = block.users.user_id
    wanted = (user_ids.start <= user_id) & (user_id < user_ids.stop)
    events = block.events if wanted.all() else block.events.take(wanted[block.events.user])
    keys = {"user_id": pa.array(user_id.astype(np.int32))}
    truth = {
        "churn_date": _dates(settings, block.churn.churn_day, unknown=~block.churn.churns),
        "churn_probability": pa.array(block.churn.probability),
    }
    groups = {"treatment_group": _texts(block.users.is_treated, GROUPS)}
    selected = pa.array(wanted)
    per_user = {
        "raw.users": _users(settings, block),
        "truth.users": truth,
        "raw.experiment_assignments": groups,
    }
    rows = {name: pa.table(keys | given).filter(selected) for name, given in per_user.items()}
    changed = pa.table(keys | _changes(settings, block)).filter(
        pa.array(wanted & block.upgrades.happens)
    )
    return rows | {
        "raw.user_changes": changed,
        "raw.events": _events(settings, events, user_id),
    }


def _users(settings: Settings, block: Block) -> dict[str, pa.Array]:
    users = block.users
    return {
        "signup_date": _dates(settings, users.signup_day),
        "plan": _texts(users.is_paid, PLANS),
        "is_paid": pa.array(users.is_paid.astype(np.int32)),
        "country": _texts(users.country, COUNTRIES),
        "marketing_source": _texts(users.marketing_source, MARKETING_SOURCES),
        "engagement_score": pa.array(users.engagement),
    }


def _changes(settings: Settings, block: Block) -> dict[str, pa.Array]:
    """Return what every user would be from an upgrade on; the other attributes stay."""
    users, upgrades = _users(settings, block), block.upgrades
    paid = np.ones(len(upgrades.day), dtype=bool)
    return {
        "valid_from": _dates(settings, upgrades.day, unknown=~upgrades.happens),
        "plan": _texts(paid, PLANS),
        "is_paid": pa.array(paid.astype(np.int32)),
        "country": users["country"],
        "marketing_source": users["marketing_source"],
    }


def _events(settings: Settings, events: Events, user_ids: Ints) -> pa.Table:
    user_id = user_ids[events.user]
    start = np.datetime64(settings.start_date, "s").astype(np.int64)
    return pa.table(
        {
            "event_id": pa.array(event_ids(user_id)),
            "user_id": pa.array(user_id.astype(np.int32)),
            "event_time": pa.array(start + events.second).cast(pa.timestamp("s")),
            "event_type": _texts(events.event_type, EVENT_TYPES),
            "event_date": _dates(settings, events.second // SECONDS_PER_DAY),
            "course_name": _texts(events.course, COURSES, unknown=events.course < 0),
            "watch_minutes": _measures(events.watch_minutes),
            "quiz_score": _measures(events.quiz_score),
            "amount": _measures(events.amount),
        }
    )


def _dates(settings: Settings, days: Ints, unknown: Bools | None = None) -> pa.Array:
    start = (settings.start_date - FIRST_DATE).days
    known_days = days if unknown is None else np.where(unknown, 0, days)
    return pa.array((start + known_days).astype(np.int32), mask=unknown).cast(pa.date32())


def _texts(codes: Ints | Bools, values: Sequence[str], unknown: Bools | None = None) -> pa.Array:
    indices = pa.array(codes.astype(np.int8), mask=unknown)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values))


def _measures(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
