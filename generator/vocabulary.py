"""The words of the data contract: event types, plans, groups, marts, and the days of a table."""

from __future__ import annotations

from datetime import date

EVENT_TYPES = (
    "login",
    "course_enroll",
    "video_watch",
    "quiz_attempt",
    "payment_success",
    "payment_failed",
    "support_ticket",
)
PAYMENT_TYPES = ("payment_success", "payment_failed")
PLANS = ("free", "paid")
GROUPS = ("control", "treatment")
LATENT = ("engagement_score",)
"""What a simulation knows of a user and no real export has."""
MARTS = (
    "user_daily",
    "user_features_daily",
    "churn_labels",
    "training_dataset",
    "training_splits",
    "scoring_dataset",
    "activity_periods",
)
"""The tables in ``main`` that this project's models make, in the order in which they are shown."""

HISTORY_MARTS = ("load_profile",)
"""The tables in ``main`` that are made from the load history, and say nothing of users or days."""

FIRST_DATE = date(1970, 1, 1)
LAST_DATE = date(2099, 12, 31)
"""The first and last day that a signup or an event may be on."""
