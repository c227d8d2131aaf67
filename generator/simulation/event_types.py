"""The event types, and the codes that stand for them in the simulation's arrays."""

from __future__ import annotations

EVENT_TYPES = (
    "login",
    "course_enroll",
    "video_watch",
    "quiz_attempt",
    "payment_success",
    "payment_failed",
    "support_ticket",
)
(
    LOGIN,
    COURSE_ENROLL,
    VIDEO_WATCH,
    QUIZ_ATTEMPT,
    PAYMENT_SUCCESS,
    PAYMENT_FAILED,
    SUPPORT_TICKET,
) = range(len(EVENT_TYPES))
