"""The default simulation keeps every promise, and a wrong one breaks the promise it should."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from generator import Settings
from generator.simulation import activity, billing, churn, courses, history, support, upgrades
from tests.simulation import account_checks, checks
from tests.simulation.world import World

CHECKS = checks.CHECKS + account_checks.CHECKS
SMALL = Settings(
    n_users=6000, days=120, seed=5, paid_ratio=0.5, churn_base_rate=0.9, upgrade_rate=0.5
)


@pytest.fixture(scope="module")
def world() -> World:
    return World.simulate(Settings(n_users=20_000))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_default_simulation_keeps_its_promise(check: Callable[[World], None], world: World) -> None:
    check(world)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_another_window_and_other_rates_keep_the_promise(
    check: Callable[[World], None], other_world: World
) -> None:
    check(other_world)


@pytest.fixture(scope="module")
def other_world() -> World:
    settings = Settings(n_users=8000, days=100, seed=7, paid_ratio=0.8, churn_base_rate=0.9)
    return World.simulate(settings)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_simulation_with_upgrades_keeps_the_promise(
    check: Callable[[World], None], upgraded_world: World
) -> None:
    check(upgraded_world)


@pytest.fixture(scope="module")
def upgraded_world() -> World:
    settings = Settings(n_users=8000, days=100, seed=8, churn_base_rate=0.9, upgrade_rate=0.6)
    return World.simulate(settings)


def _churn_without_engagement(settings, users, stream):
    drawn = churn.draw_churn(settings, users, stream)
    return drawn._replace(churns=stream("churn").random(users.user_id.size) < 0.135)


def _upgrades_whoever_leaves(settings, users, drawn, stream):
    stays = drawn._replace(churn_day=np.full(drawn.churn_day.shape, churn.NEVER))
    return upgrades.draw_upgrades(settings, users, stays, stream)


def _upgrades_early(settings, users, drawn, stream):
    found = upgrades.draw_upgrades(settings, users, drawn, stream)
    return found._replace(day=np.where(found.happens, found.day // 2, churn.NEVER))


def _upgrades_of_paid_users_too(settings, users, drawn, stream):
    free = users._replace(is_paid=np.zeros_like(users.is_paid))
    return upgrades.draw_upgrades(settings, free, drawn, stream)


def _signals_as_at_signup(users, drawn, upgraded, stream, draw=billing.draw_signals):
    nobody = upgraded._replace(day=np.full(upgraded.day.shape, churn.NEVER))
    return draw(users, drawn, nobody, stream)


def _unordered_seconds(login_second, further, stream):
    size = int(further.sum())
    return stream("event_gap").integers(7 * 3600, 86400, size=size)


def _no_substitution(drawn, per_user):
    return drawn, np.full(drawn.size, 7)


WRONG: list[tuple[str, ModuleType, str, object, Callable[[World], None]]] = [
    ("weekday factor 1.0", activity, "WEEKDAY_FACTOR", 1.0, checks.check_weekday_ratio),
    ("weekday factor 1.0", activity, "WEEKDAY_FACTOR", 1.0, checks.check_active_rates),
    ("no fading", activity, "FADED_SHARE", 1.0, checks.check_active_rates),
    (
        "churn ignores engagement",
        history,
        "draw_churn",
        _churn_without_engagement,
        checks.check_churn_rate,
    ),
    (
        "events after churn",
        activity,
        "fade",
        lambda days_to_churn: np.ones(days_to_churn.shape),
        checks.check_nothing_from_the_churn_date_on,
    ),
    (
        "unordered times",
        history,
        "draw_further_seconds",
        _unordered_seconds,
        checks.check_order_of_the_day,
    ),
    (
        "watching without enrolling",
        courses,
        "substitute",
        _no_substitution,
        checks.check_courses,
    ),
    ("another mix", courses, "VIDEO_SHARE", 0.6, checks.check_mix),
    ("retries never", billing, "LONGEST_RETRY_DAYS", 1, account_checks.check_payments),
    ("more failures", billing, "SUCCESS_SHARE", 0.9, account_checks.check_payments),
    ("no payment signal", billing, "SIGNAL_SHARE", 0.0, account_checks.check_churn_signals),
    ("early tickets", support, "SIGNAL_DAYS_AHEAD", (8, 21), account_checks.check_churn_signals),
    ("more tickets", support, "BASE_RATE", 0.006, account_checks.check_base_rate_tickets),
    *(
        (fault.__name__, history, "draw_upgrades", fault, account_checks.check_upgrades)
        for fault in (_upgrades_whoever_leaves, _upgrades_early, _upgrades_of_paid_users_too)
    ),
    (
        "no payment signal after an upgrade",
        billing,
        "draw_signals",
        _signals_as_at_signup,
        account_checks.check_signals_after_an_upgrade,
    ),
    ("paid users as loyal", churn, "PAID_FACTOR", 1.0, checks.check_churn_rate),
]


@pytest.mark.parametrize(
    ("module", "name", "value", "check"),
    [case[1:] for case in WRONG],
    ids=[f"{case[0]}-{case[4].__name__}" for case in WRONG],
)
def test_wrong_simulator_is_caught(
    module: ModuleType,
    name: str,
    value: object,
    check: Callable[[World], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check(World.simulate(SMALL))
    monkeypatch.setattr(module, name, value)
    with pytest.raises(AssertionError, match=r"\d"):  # the message has the failing number
        check(World.simulate(SMALL))
