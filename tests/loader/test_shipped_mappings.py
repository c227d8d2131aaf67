"""The shipped mappings, each on its sample in examples/exports."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.errors import UsageError
from generator.loader.load_report import LoadReport
from generator.loader.mapping_file import read_mapping
from generator.loader.mapping_source import shipped_names
from generator.loader.text_format import TextFormat
from tests.conftest import ROOT, Elearn, run_dbt
from tests.loader.desk import Desk

EXPORTS = ROOT / "examples" / "exports"
FILES = {
    "moodle": "moodle.csv",
    "openedx": "openedx.jsonl",
    "segment": "segment.jsonl",
    "xapi": "xapi.jsonl",
    "xuetangx": "xuetangx.parquet",
}
OULAD_VERSION = "896286ed42375744"


def load(desk: Desk, name: str, file: Path, users: list[str] | None = None) -> LoadReport:
    mapping = read_mapping(name)
    text_format = TextFormat.of(mapping, [], None, None, None)
    return desk.load_files(users or [], [str(file)], mapping=mapping, text_format=text_format)


def sample(desk: Desk, name: str) -> Path:
    if name != "xuetangx":
        return EXPORTS / FILES[name]
    joined = desk.folder / FILES[name]  # as docs/mappings.md says
    with duckdb.connect() as con:
        con.execute(
            f"""
            copy (
                from read_csv('{EXPORTS}/xuetangx_log.csv', all_varchar = true) as log
                join read_csv('{EXPORTS}/xuetangx_enrollments.csv', all_varchar = true) as enrolled
                    using (enrollment_id)
            ) to '{joined}'
            """
        )
    return joined


def test_every_shipped_mapping_has_a_sample() -> None:
    assert shipped_names() == sorted(FILES)


@pytest.mark.parametrize(
    ("name", "types", "repeated"),
    [
        ("moodle", {"course_enroll", "login", "quiz_attempt", "video_watch"}, 0),
        ("openedx", {"course_enroll", "quiz_attempt", "video_watch"}, 0),
        (
            "segment",
            {"course_enroll", "login", "payment_success", "quiz_attempt", "video_watch"},
            1,
        ),
        ("xapi", {"course_enroll", "login", "quiz_attempt", "video_watch"}, 1),
        ("xuetangx", {"quiz_attempt", "video_watch"}, None),
    ],
)
def test_a_sample_loads_without_a_rejected_row(
    desk: Desk, name: str, types: set[str], repeated: int | None
) -> None:
    report = load(desk, name, sample(desk, name))
    found = desk.query("select event_type, count(*) from raw.events group by all")
    assert {kind for kind, _ in found} == types
    assert report.events_rejected == 0
    assert report.users_created == (9 if name == "segment" else 8)
    if repeated is None:  # every problem is logged by browser and server in the same second
        repeated = dict(found)["quiz_attempt"]
    assert report.events_repeated == repeated


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FILES))
def test_a_sample_builds_green(desk: Desk, name: str, dbt_variables: dict[str, str]) -> None:
    load(desk, name, sample(desk, name))
    done = run_dbt(desk.warehouse, dbt_variables, "build")
    assert done.returncode == 0, done.stdout


def rows(desk: Desk, columns: str, kind: str) -> list[tuple[Any, ...]]:
    return desk.query(f"select distinct {columns} from raw.events where event_type = '{kind}'")


def test_a_submitted_problem_of_open_edx_is_one_attempt_with_its_score(desk: Desk) -> None:
    load(desk, "openedx", sample(desk, "openedx"))
    assert {score for (score,) in rows(desk, "quiz_score", "quiz_attempt")} == {0.0, 50.0, 100.0}
    keys = {key for (key,) in desk.query("select source_key from private.user_keys")}
    assert keys == {str(4000 + number) for number in range(1, 9)}  # no anonymous


def test_an_enrolment_of_moodle_is_the_learners(desk: Desk) -> None:
    load(desk, "moodle", sample(desk, "moodle"))
    users = {user for (user,) in rows(desk, "user_id", "course_enroll")}
    assert users == {100 + number for number in range(1, 9)}


def test_durations_of_xapi_become_minutes(desk: Desk) -> None:
    load(desk, "xapi", sample(desk, "xapi"))
    minutes = {length for (length,) in rows(desk, "watch_minutes", "video_watch")}
    assert minutes == {6.65, 60.0, 7.5083}


def test_the_report_of_moodles_web_page_is_refused_in_one_line(desk: Desk) -> None:
    header = "Time,User full name,Affected user,Event context,Component,Event name,Origin\n"
    file = desk.file("logs.csv", f"{header}1,2,3,4,5,6,7\n".encode())
    with pytest.raises(UsageError, match=r"no column 'id' for .events. event_id of the mapping"):
        load(desk, "moodle", Path(file))


def test_the_sample_of_oulad_loads_through_a_mapping_to_the_same_version(desk: Desk) -> None:
    files = [str(EXPORTS / "oulad" / "users.csv")], EXPORTS / "oulad" / "events.csv.gz"
    mapped = load(desk, str(EXPORTS / "oulad" / "mapping.toml"), files[1], files[0])
    plain = desk.load_files(files[0], [str(files[1])])
    assert mapped.dataset_version == plain.dataset_version == OULAD_VERSION


def test_a_shipped_mapping_is_printed_and_can_be_changed(elearn: Elearn, tmp_path: Path) -> None:
    text = elearn("load", "--show-mapping", "moodle").stdout
    (tmp_path / "mine.toml").write_text(text.replace('"login"', '"support_ticket"'))
    elearn("load", "--mapping", "mine.toml", "--events", EXPORTS / "moodle.csv")
    missing = elearn("load", "--show-mapping", "canvas", check=False)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "one of moodle, openedx, segment, xapi, xuetangx" in missing.stderr


@pytest.mark.parametrize("null", ["NULL", r"\N"])
def test_a_table_of_moodle_with_every_backslash_twice_is_the_same(desk: Desk, null: str) -> None:
    """``mysql --batch`` and COPY of PostgreSQL write tab-separated text so."""
    with (EXPORTS / "moodle.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    cells = ([null if c == "NULL" else c.replace("\\", "\\\\") for c in line] for line in lines)
    text = "".join("\t".join(line) + "\n" for line in cells)
    dumped = load(desk, "moodle", Path(desk.file("log.tsv", text.encode())))
    assert dumped.dataset_version == load(desk, "moodle", EXPORTS / "moodle.csv").dataset_version


def test_a_problem_of_open_edx_that_the_staff_scores_again_is_no_attempt(desk: Desk) -> None:
    checks = (EXPORTS / "openedx.jsonl").read_text().splitlines()
    attempt = next(
        line for line in checks if '"problem_check"' in line and '"event_source": "server"' in line
    )
    text = attempt + "\n" + attempt.replace("problem_check", "problem_rescore") + "\n"
    report = load(desk, "openedx", Path(desk.file("tracking.log", text.encode())))
    assert (report.events_loaded, report.events_ignored) == (1, 1)
