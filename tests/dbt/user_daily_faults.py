"""Faults of the formulas of user_daily."""

from __future__ import annotations

Faults = dict[str, tuple[str, str]]
"""The sound and the faulty SQL of each fault by its name."""

TYPES = "('login', 'course_enroll', 'video_watch', 'quiz_attempt')"
NO_QUIZ = "('login', 'course_enroll', 'video_watch')"


def counted(event_type: str) -> str:
    return f"count(case when events.event_type = '{event_type}' then 1 end)"


def summed(event_type: str) -> str:
    return f"sum(case when events.event_type = '{event_type}' then cast("


USER_DAILY: Faults = {
    "a day with a quiz alone is not active": (TYPES, NO_QUIZ),
    "a day with a login alone is not active": (TYPES, TYPES.replace("'login', ", "")),
    "a payment makes a day active": (TYPES, TYPES.replace("login", "payment_success")),
    "a ticket makes a day active": (TYPES, TYPES.replace(")", ", 'support_ticket')")),
    "failed payments are counted as paid": (
        counted("payment_success"),
        counted("payment_failed"),
    ),
    "paid ones are counted as failed": (counted("payment_failed"), counted("payment_success")),
    "watching counts as enrolling": (counted("course_enroll"), counted("video_watch")),
    "failed payments are money": (
        summed("payment_success"),
        summed("payment_success").replace(" = 'payment_success'", " like 'payment%'"),
    ),
    "minutes of every event are watched": (summed("video_watch"), "sum(case when true then cast("),
    "scores of every event are quizzes": (summed("quiz_attempt"), "sum(case when true then cast("),
    "a mean over attempts": (
        "count(case when events.event_type = 'quiz_attempt' then events.quiz_score end)",
        counted("quiz_attempt"),
    ),
    "minutes are cut": ("round(events.watch_minutes", "trunc(events.watch_minutes"),
    "amounts are rounded to three decimals": (
        "round(events.amount * 10000)",
        "10 * round(events.amount * 1000)",
    ),
    "days from the signup on": (
        "greatest(\n            users.signup_date",
        "least(\n            users.signup_date",
    ),
    "the latest plan on all days": (
        "date '0001-01-01' as valid_from,\n        coalesce(first_changes.valid_from, ",
        "date '9999-12-31' as valid_from,\n        coalesce(first_changes.valid_from, ",
    ),
    "a change holds a day late": (
        "greatest(attribute_spans.first_as_of_date, attribute_spans.valid_from)",
        "greatest(attribute_spans.first_as_of_date, attribute_spans.valid_from + 1)",
    ),
    "no day of a late signup": (
        "users.signup_date <= observation_window.last_day",
        "users.signup_date <= observation_window.first_day",
    ),
    "the last day is missing": (
        "observation_window.last_day as last_as_of_date",
        "observation_window.last_day - 1 as last_as_of_date",
    ),
    "the events of the day before": (
        "and user_days.as_of_date\n            = events_per_day.as_of_date",
        "and user_days.as_of_date - 1\n            = events_per_day.as_of_date",
    ),
    "the signup is day 1": (
        "cast(user_days.as_of_date - user_days.signup_date as integer)",
        "cast(user_days.as_of_date - user_days.signup_date as integer) + 1",
    ),
    "days without events are missing": ("left join events_per_day", "join events_per_day"),
}
