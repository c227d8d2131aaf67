"""What a user does after the login: enrol, watch, take a quiz, and in which course."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.simulation.arrays import Floats, Ints
from generator.simulation.clock import grouped_cumsum
from generator.simulation.event_types import COURSE_ENROLL, QUIZ_ATTEMPT, VIDEO_WATCH
from generator.simulation.streams import BLOCK_USERS, Streams
from generator.simulation.users import Users

COURSES = (
    "k8s-mastery",
    "devops-warrior",
    "mlops-foundation",
    "argo-cd",
    "terraform",
    "linux-pro",
    "observability",
)
QUIZ_DEVIATION = 15.0
"""Standard deviation of a score around its user's mean, in percent."""
VIDEO_SHARE, QUIZ_SHARE = 0.65, 0.25  # the rest, 0.10, enrols


class Learning(NamedTuple):
    """Learning events in order of user and time; every array has one entry an event."""

    event_type: Ints
    course: Ints
    """Index into COURSES."""
    watch_minutes: Floats
    """NaN unless a video is watched."""
    quiz_score: Floats
    """NaN unless a quiz is taken."""


def draw_learning(users: Users, per_user: Ints, stream: Streams) -> Learning:
    """Draw type, course and measure of each further event.

    Parameters
    ----------
    users
        The block's users.
    per_user
        Number of further events of each user, shape (BLOCK_USERS,).
    stream
        The block's streams.
    """
    drawn = draw_types(int(per_user.sum()), stream)
    event_type, enrolled = substitute(drawn, per_user)
    course = draw_courses(event_type, enrolled, per_user, stream)
    engagement = np.repeat(users.treated_engagement, per_user)
    is_video, is_quiz = event_type == VIDEO_WATCH, event_type == QUIZ_ATTEMPT
    return Learning(
        event_type=event_type,
        course=course,
        watch_minutes=np.where(is_video, draw_watch_minutes(drawn.size, stream), np.nan),
        quiz_score=np.where(is_quiz, draw_quiz_scores(engagement, stream), np.nan),
    )


def draw_types(size: int, stream: Streams) -> Ints:
    """Draw event types, before any substitution."""
    uniform = stream("event_type").random(size)
    codes = np.array([VIDEO_WATCH, QUIZ_ATTEMPT, COURSE_ENROLL], dtype=np.int8)
    return codes[np.searchsorted([VIDEO_SHARE, VIDEO_SHARE + QUIZ_SHARE], uniform, side="right")]


def substitute(drawn: Ints, per_user: Ints) -> tuple[Ints, Ints]:
    """Return the event types that happen and the number of courses enrolled in after each.

    A user's first learning event is an enrolment, whatever was drawn; a drawn enrolment of a
    user who has all courses becomes a video.
    """
    enrols = drawn == COURSE_ENROLL
    ends = np.cumsum(per_user)
    enrols[(ends - per_user)[per_user > 0]] = True
    enrolled, _ = grouped_cumsum(enrols.astype(np.int64), per_user)
    has_all = enrolled > len(COURSES)
    event_type = np.where(enrols, COURSE_ENROLL, drawn)
    event_type[enrols & has_all] = VIDEO_WATCH
    return event_type, np.minimum(enrolled, len(COURSES))


def draw_courses(event_type: Ints, enrolled: Ints, per_user: Ints, stream: Streams) -> Ints:
    """Draw the course of each event: a new one to enrol in, one of the enrolled otherwise.

    Each user takes the courses in an order of their own, drawn in advance; the m-th enrolment is
    then uniform over the courses not yet taken.
    """
    order = np.argsort(stream("course_order").random((BLOCK_USERS, len(COURSES))), axis=1)
    uniform = stream("course").random(event_type.size)
    watched = np.floor(uniform * enrolled).astype(np.int64)
    place = np.where(event_type == COURSE_ENROLL, enrolled - 1, watched)
    user = np.repeat(np.arange(BLOCK_USERS), per_user)
    return order[user, place].astype(np.int8)


def draw_watch_minutes(size: int, stream: Streams) -> Floats:
    """Draw minutes watched, uniform over 5..60, one decimal."""
    return np.rint(50 + 550 * stream("watch_minutes").random(size)) / 10


def draw_quiz_scores(engagement: Floats, stream: Streams) -> Floats:
    """Draw scores in percent, Normal(50 + 30 * engagement, 15) clipped to 0..100, one decimal."""
    deviation = QUIZ_DEVIATION * stream("quiz_score").standard_normal(engagement.size)
    return np.rint(np.clip(quiz_mean(engagement) + deviation, 0, 100) * 10) / 10


def quiz_mean(treated_engagement: Floats) -> Floats:
    """Return the mean score in percent, before clipping."""
    return 50 + 30 * treated_engagement
