"""Blocks of the simulation as pandas frames in the columns of the raw tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from generator.settings import Settings
from generator.simulation.arrays import Ints
from generator.simulation.clock import SECONDS_PER_DAY
from generator.simulation.courses import COURSES
from generator.simulation.event_types import EVENT_TYPES
from generator.simulation.history import Block, Events, event_ids
from generator.simulation.users import COUNTRIES, MARKETING_SOURCES

GROUPS = ("control", "treatment")


class Frames(NamedTuple):
    """Rows for the raw tables and for truth, texts as categories."""

    users: pd.DataFrame
    truth: pd.DataFrame
    assignments: pd.DataFrame
    events: pd.DataFrame


def block_frames(settings: Settings, block: Block) -> Frames:
    """Return the rows of those users of a block that the settings ask for."""
    wanted = block.users.user_id <= settings.n_users
    events = block.events.take(wanted[block.events.user])
    keys = {"user_id": block.users.user_id.astype(np.int32)}
    truth = {
        "churn_date": _dates(settings, block.churn.churn_day, block.churn.churns),
        "churn_probability": block.churn.probability,
    }
    groups = {"treatment_group": _texts(block.users.is_treated.astype(np.int8), GROUPS)}
    return Frames(
        users=_users(settings, block)[wanted],
        truth=pd.DataFrame(keys | truth)[wanted],
        assignments=pd.DataFrame(keys | groups)[wanted],
        events=_events(settings, events, block.users.user_id),
    )


def _users(settings: Settings, block: Block) -> pd.DataFrame:
    users = block.users
    return pd.DataFrame(
        {
            "user_id": users.user_id.astype(np.int32),
            "signup_date": _start(settings) + users.signup_day.astype("timedelta64[D]"),
            "plan": _texts(users.is_paid.astype(np.int8), ("free", "paid")),
            "is_paid": users.is_paid.astype(np.int32),
            "country": _texts(users.country, COUNTRIES),
            "marketing_source": _texts(users.marketing_source, MARKETING_SOURCES),
            "engagement_score": users.engagement,
        }
    )


def _events(settings: Settings, events: Events, user_ids: Ints) -> pd.DataFrame:
    user_id = user_ids[events.user]
    midnight = _start(settings)
    day = (events.second // SECONDS_PER_DAY).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "event_id": event_ids(user_id),
            "user_id": user_id.astype(np.int32),
            "event_time": midnight + events.second.astype("timedelta64[s]"),
            "event_type": _texts(events.event_type, EVENT_TYPES),
            "event_date": midnight + day,
            "course_name": _texts(events.course, COURSES),
            "watch_minutes": events.watch_minutes,
            "quiz_score": events.quiz_score,
            "amount": events.amount,
        },
        copy=False,
    )


def _start(settings: Settings) -> np.datetime64:
    return np.datetime64(settings.start_date, "s")


def _dates(settings: Settings, days: Ints, known: np.ndarray) -> np.ndarray:
    dates = _start(settings) + np.where(known, days, 0).astype("timedelta64[D]")
    return np.where(known, dates, np.datetime64("NaT", "s"))


def _texts(codes: Ints, values: tuple[str, ...]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=list(values), validate=False)
