"""The words of the data contract: event types, plans, groups, and the days that a table takes."""

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

FIRST_DATE = date(1970, 1, 1)
LAST_DATE = date(2099, 12, 31)
"""The first and last day that a signup or an event may be on."""
