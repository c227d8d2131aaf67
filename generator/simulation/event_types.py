"""The codes that stand for the event types in the simulation's arrays."""

from __future__ import annotations

from generator.vocabulary import EVENT_TYPES

(
    LOGIN,
    COURSE_ENROLL,
    VIDEO_WATCH,
    QUIZ_ATTEMPT,
    PAYMENT_SUCCESS,
    PAYMENT_FAILED,
    SUPPORT_TICKET,
) = range(len(EVENT_TYPES))
