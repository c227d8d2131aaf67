"""Whatever is given: a result or a sentence, never a traceback."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import Settings
from generator.cli import app
from generator.errors import ElearnError
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.verify import verify_warehouse
from tests.loader.desk import EVENTS, USERS, Desk, as_csv
from tests.robustness.conftest import Tried

EXIT_CODES = {0, 1, 2, 3}


@pytest.fixture(scope="module")
def examples(request: pytest.FixtureRequest) -> int:
    return 1500 if request.config.getoption("whole") else 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    desk = Desk(tmp_path)
    desk.load()
    desk.file("broken.csv", b'a,"b\n')
    (tmp_path / "folder").mkdir()
    return tmp_path


@contextmanager
def at(folder: Path) -> Iterator[None]:
    """Work in a folder, and take back what a command line sets."""
    before, handlers = Path.cwd(), [*map(signal.getsignal, (signal.SIGINT, signal.SIGTERM))]
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), handlers, strict=True):
            signal.signal(number, handler)


def elearn(arguments: list[str]) -> tuple[int, str]:
    """Run the command line in this process; return its exit code and what it complained."""
    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["elearn", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            app.main()
    finally:
        sys.argv = argv
    return int(ended.value.code or 0), err.getvalue()


ODD_TEXTS = r"""
    -1 0 2 1e9 nan inf -0.0 0x10 2025-02-30 2025-01-02 9999-12-31 ../.. . / /dev/null /dev/zero
    a\nb -- - * [ ~ folder broken.csv users.csv events.csv warehouse.duckdb :memory: 😀 1/2 csv
    ';drop%20table%20raw.users;-- %s ${HOME} $(id) --help parquet 4GB 1KB flat date
"""
ODD = st.text(max_size=12) | st.sampled_from(
    [*ODD_TEXTS.split(), "", "a\nb", "\x1b[0m", "9" * 40, "x" * 5000]
)
# Whatever a simulation is asked for, it stays small.
SMALL = [("--n-users", "3"), ("--days", "3")]
OPTIONS = """
    --start-date --seed --paid-ratio --churn-base-rate --treatment-ratio --treatment-lift
    --through --format --layout --shard --output-dir --warehouse --workers --memory-limit
    --users --events --max-rejects --published --no-such-option -z
"""
FLAGS = st.sampled_from(
    ["--append", "--replace", "--quiet", "--json", "--marts", "--profile", "--help", "--version"]
)
COMMANDS = st.sampled_from(
    ["generate", "load", "verify", "versions", "export", "publish", "no-such-command", ""]
)
OPTION = st.sampled_from(OPTIONS.split())
PARTS = st.lists(
    st.tuples(OPTION, ODD) | st.tuples(FLAGS) | st.tuples(OPTION) | st.tuples(ODD), max_size=5
)
UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def test_no_call_ends_in_a_traceback(folder: Path, examples: int, tried: Tried) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(COMMANDS, PARTS)
    def try_call(command: str, parts: list[tuple[str, ...]]) -> None:
        small = [word for pair in SMALL for word in pair] if command == "generate" else []
        words = [word.replace("\0", "") for part in parts for word in part]
        code, complaint = elearn([command, *small, *words])
        assert code in EXIT_CODES
        assert "Traceback" not in complaint
        assert "Error: unexpected" not in complaint, complaint
        assert code == 0 or complaint.splitlines()[-1].startswith("Error: ")

    tried(examples)
    with at(folder):
        try_call()


ODD_CELLS = """
    1 2 10 -7 1.0 1e5 NaN inf 2025-01-02 2025-01-02T10:00:00Z login payment_failed free paid
    " "" a,b 0
"""
CELLS = st.text(max_size=8) | st.sampled_from(
    [*ODD_CELLS.split(), "", "LOGIN ", '" ', "a\nb", "\r"]
)
COLUMNS = st.sampled_from([*EVENTS[0], *USERS[0], "course_id", "x", "", '"', "USER_ID "])
LINES = st.lists(st.lists(CELLS, max_size=9), max_size=8)
HEADERS = st.lists(COLUMNS, max_size=9) | st.permutations([*EVENTS[0]]) | st.just([*USERS[0]])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Bytes that are a table, or nearly one."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    is_quoted = draw(st.booleans())

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if is_quoted else text

    lines = [draw(HEADERS), *draw(LINES)]
    text = newline.join(delimiter.join(map(cell, line)) for line in lines)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig"])), "surrogatepass")


def test_no_file_ends_in_a_traceback_and_every_row_is_counted(
    tmp_path: Path, examples: int, tried: Tried
) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(files() | st.just(as_csv(USERS)), files())
    def try_load(users: bytes, events: bytes) -> None:
        desk = Desk(tmp_path)
        try:
            report = desk.load(events, users, max_rejects=1000)
        except ElearnError as error:
            assert "\n" not in str(error)
            return
        kept = f"select count(*) from private.rejected_rows where load_id = {report.load_id}"
        stored = "select (select count(*) from raw.users) + (select count(*) from raw.events)"
        [(rejected,)], [(loaded,)] = desk.query(kept), desk.query(stored)
        passed = report.users_repeated + report.events_repeated
        assert report.users_read + report.events_read == loaded + passed + rejected

    tried(examples)
    try_load()


EDGES = {
    "one_user_one_day": Settings(n_users=1, days=1),
    "first_days": Settings(n_users=3, days=3, start_date=date(1971, 1, 1)),
    "last_days": Settings(n_users=3, days=3, start_date=date(2099, 12, 29)),
    "largest_seed": Settings(n_users=3, days=40, seed=2**63 - 1),
    "smallest_seed": Settings(n_users=3, days=40, seed=0),
    "nobody_pays": Settings(n_users=20, days=60, paid_ratio=0.0),
    "everybody_pays": Settings(n_users=20, days=60, paid_ratio=1.0),
    "nobody_leaves": Settings(n_users=20, days=60, churn_base_rate=0.0),
    "all_may_leave": Settings(n_users=20, days=60, churn_base_rate=1.0),
    "all_treated_to_nothing": Settings(
        n_users=20, days=60, treatment_ratio=1.0, treatment_lift=-1.0
    ),
    "all_treated_tenfold": Settings(n_users=20, days=60, treatment_ratio=1.0, treatment_lift=10.0),
}


@pytest.mark.parametrize("name", EDGES)
def test_settings_at_the_edges_of_their_ranges_simulate(name: str, tmp_path: Path) -> None:
    generate_warehouse(tmp_path / "warehouse.duckdb", EDGES[name], workers=2)
    assert verify_warehouse(tmp_path / "warehouse.duckdb").matches


@pytest.mark.whole
def test_a_simulation_of_ninety_seven_years_simulates(tmp_path: Path) -> None:
    edge = Settings(n_users=2, days=35_612, start_date=date(2002, 7, 1))
    generate_warehouse(tmp_path / "warehouse.duckdb", edge, workers=2)
    assert verify_warehouse(tmp_path / "warehouse.duckdb").matches
