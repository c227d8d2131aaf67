"""Who the users are: signup, plan, country, source, and the latent engagement."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.settings import Settings
from generator.simulation.arrays import Bools, Floats, Ints
from generator.simulation.streams import BLOCK_USERS, Streams

COUNTRIES = ("IN", "US", "UK", "CA", "AU", "SG")
ENGAGEMENT_SHAPE = (2.0, 2.5)
"""Parameters of the Beta distribution of engagement: mean 0.44, few users at either end."""
MARKETING_SOURCES = ("organic", "referral", "ads", "youtube", "community")


class Users(NamedTuple):
    """One block of users; every array has shape (BLOCK_USERS,)."""

    user_id: Ints
    signup_day: Ints
    """Days from start_date to the signup: 0 or negative."""
    is_paid: Bools
    country: Ints
    """Index into COUNTRIES."""
    marketing_source: Ints
    """Index into MARKETING_SOURCES."""
    engagement: Floats
    """Stored engagement_score in 0..1, four decimals: what the user does without treatment."""
    is_treated: Bools
    treated_engagement: Floats
    """The engagement that acts: engagement * (1 + lift) capped at 1 for the treated."""


def draw_users(settings: Settings, block: int, stream: Streams) -> Users:
    """Draw one whole block of users.

    Countries and sources are uniform; signups are uniform over the days before start_date;
    engagement is Beta(2, 2.5).
    """
    engagement = stream("engagement_score").beta(*ENGAGEMENT_SHAPE, BLOCK_USERS).round(4)
    is_treated = stream("treatment_group").random(BLOCK_USERS) < settings.treatment_ratio
    return Users(
        user_id=block * BLOCK_USERS + 1 + np.arange(BLOCK_USERS),
        signup_day=-stream("signup_date").integers(settings.signup_spread_days, size=BLOCK_USERS),
        is_paid=stream("plan").random(BLOCK_USERS) < settings.paid_ratio,
        country=stream("country").integers(len(COUNTRIES), size=BLOCK_USERS),
        marketing_source=stream("marketing_source").integers(
            len(MARKETING_SOURCES), size=BLOCK_USERS
        ),
        engagement=engagement,
        is_treated=is_treated,
        treated_engagement=np.where(is_treated, lifted(settings, engagement), engagement),
    )


def lifted(settings: Settings, engagement: Floats) -> Floats:
    """Return the engagement that acts in a user of the treatment group."""
    return np.minimum(engagement * (1 + settings.treatment_lift), 1.0)
