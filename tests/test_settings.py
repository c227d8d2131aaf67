from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import Settings
from generator.errors import UsageError


def test_defaults_are_those_of_the_default_data_set() -> None:
    assert Settings().as_dict() == {
        "n_users": 1000,
        "days": 180,
        "start_date": "2025-01-01",
        "seed": 42,
        "paid_ratio": 0.3,
        "churn_base_rate": 0.25,
        "treatment_ratio": 0.0,
        "treatment_lift": 0.0,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_users", 0),
        ("n_users", -1),
        ("n_users", 2.5),
        ("n_users", True),
        ("n_users", "10"),
        ("n_users", 10**12),
        ("days", 0),
        ("days", 100_000),
        ("seed", -1),
        ("seed", 2**63),
        ("paid_ratio", -0.1),
        ("paid_ratio", 1.1),
        ("paid_ratio", float("nan")),
        ("churn_base_rate", float("inf")),
        ("churn_base_rate", None),
        ("treatment_ratio", 2),
        ("treatment_lift", -1.01),
        ("treatment_lift", 10.5),
        ("start_date", "2025-01-01"),
        ("start_date", datetime(2025, 1, 1, 12)),
        ("start_date", date(1970, 1, 1)),
        ("start_date", date(2099, 12, 1)),
    ],
)
def test_a_bad_value_is_named_with_its_field_and_what_is_allowed(name: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        Settings(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}: {str(value)!r} is not allowed; give a")
    assert "\n" not in message


@pytest.mark.parametrize(
    "text", ["2025-13-01", "2025-02-30", "20250101", "2025-W01-1", "today", ""]
)
def test_a_text_that_is_no_calendar_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="start_date"):
        Settings.from_text(start_date=text)


@given(n_users=st.text(max_size=8), ratio=st.text(max_size=8))
def test_any_text_is_parsed_or_refused(n_users: str, ratio: str) -> None:
    try:
        settings = Settings.from_text(n_users=n_users, paid_ratio=ratio)
    except UsageError:
        return
    assert settings.n_users >= 1
    assert 0 <= settings.paid_ratio <= 1


def test_numpy_numbers_count_as_numbers() -> None:
    settings = Settings(n_users=np.int64(7), paid_ratio=np.float32(0.5))
    assert (settings.n_users, settings.paid_ratio) == (7, 0.5)
    assert type(settings.n_users) is int


def test_the_earliest_start_leaves_room_for_signups_since_1970() -> None:
    assert Settings(days=180, start_date=date(1970, 3, 1)).signup_spread_days == 60
    with pytest.raises(UsageError):
        Settings(days=180, start_date=date(1970, 2, 28))
