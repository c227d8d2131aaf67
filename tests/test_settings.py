from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import Settings
from generator.errors import UsageError
from generator.settings import DEFAULTS, range_of
from tests.conftest import ROOT, Elearn


def test_defaults_are_those_of_the_default_data_set() -> None:
    assert Settings().as_dict() == {
        "n_users": 1000,
        "days": 180,
        "start_date": "2025-01-01",
        "seed": 42,
        "paid_ratio": 0.3,
        "churn_base_rate": 0.25,
        "upgrade_rate": 0.0,
        "treatment_ratio": 0.0,
        "treatment_lift": 0.0,
    }


def test_the_documentation_gives_every_setting_with_its_default_and_range() -> None:
    page = (ROOT / "docs" / "simulation.md").read_text()
    table = page.split("| setting | default | range |\n|---|---|---|\n")[1].split("\n\n")[0]
    assert table.splitlines() == [
        f"| `--{name.replace('_', '-')}` | {str(default).removesuffix('.0')} | {range_of(name)} |"
        for name, default in DEFAULTS.items()
    ]


def test_the_help_gives_every_setting_with_its_default_and_range(elearn: Elearn) -> None:
    shown = " ".join(elearn("generate", "--help").stdout.replace("│", " ").split())
    for name, default in DEFAULTS.items():
        option = shown.split(f" --{name.replace('_', '-')} ")[1]
        assert f"({range_of(name)}). [default: ({default})]" in option[:300]


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
        ("upgrade_rate", 1.5),
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


def test_a_file_gives_any_setting_and_the_command_line_wins(elearn: Elearn, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text("n_users = 30\ndays = 40\nstart_date = 2024-02-01\n")
    elearn("generate", "--settings", "small.toml", "--days", 50)
    history = json.loads(elearn("versions", "--json").stdout)["loads"]
    expected = Settings(n_users=30, days=50, start_date=date(2024, 2, 1))
    assert json.loads(history[0]["settings"]) == expected.as_dict()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"n_user = 3", "setting: 'n_user' is not allowed; give one of n_users, days, "),
        (b"days = 0", "days: '0' is not allowed; give a whole number from 1 to 35612"),
        (b"days = 1.5", "days: '1.5' is not allowed; give a whole number from 1 to 35612"),
        (b"[days]\nx = 1", "days: "),
        (b"start_date = 'May'", "start_date: 'May' is not allowed; give a datetime.date"),
        (b"start_date = 2025-01-01T10:00:00", "start_date: "),
        (b"days =", "Invalid value (at end of document)"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff"),
        (None, "No such file or directory"),
    ],
)
def test_a_bad_file_of_settings_gets_one_line_that_names_it(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Settings.from_file(path)
    assert str(caught.value).startswith(f"{path}: {why}")
    assert "\n" not in str(caught.value)
