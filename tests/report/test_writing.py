from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator.report import write_report
from generator.warehouse.summary import MARTS
from tests.conftest import ROOT, Elearn

CHARTS = [
    "daily_active_users",
    "weekly_rhythm",
    "event_mix",
    "engagement",
    "churn_by_engagement",
    "survival_by_plan",
    "retention_by_plan",
    "retention_by_cohort",
    "activity_before_churn",
    "signals_before_churn",
    "label_rate",
    "separation",
    "loads",
]


def specs(page: Path) -> dict[str, dict]:
    text = page.read_text()
    start = text.index('id="charts">') + len('id="charts">')
    return json.loads(text[start : text.index("</script>", start)])


def test_the_command_says_what_it_drew_and_writes_page_and_pictures(
    elearn: Elearn, copied: Path, tmp_path: Path
) -> None:
    (plots := tmp_path / "plots").mkdir()
    (plots / "mine.png").write_text("not the report's")
    done = json.loads(elearn("report", "--png", "plots", "--json").stdout)
    assert done["charts"] == CHARTS
    assert done["missing"] == {}
    assert done["report"] == "report.html"
    assert sorted(specs(tmp_path / "report.html")) == sorted(CHARTS)
    pictures = {f"{name}.png" for name in CHARTS}
    assert {path.name for path in plots.iterdir()} == pictures | {"mine.png"}
    assert {Path(path).name for path in done["pictures"]} == pictures
    for name in pictures:
        assert (plots / name).read_bytes().startswith(b"\x89PNG")
    copied.unlink()
    assert {path.name for path in tmp_path.iterdir()} == {"plots", "report.html"}


def test_a_picture_of_a_chart_that_is_missing_now_goes(real: Path, tmp_path: Path) -> None:
    (tmp_path / "engagement.png").write_bytes(b"of data with an engagement score")
    write_report(real, tmp_path / "report.html", tmp_path)
    assert not (tmp_path / "engagement.png").exists()
    assert (tmp_path / "event_mix.png").exists()


@pytest.mark.slow
def test_a_published_build_gives_the_same_bytes_on_either_engine(
    simulated: Path, tmp_path: Path
) -> None:
    other = ROOT / ".venv" / "duckdb-2.0.0"
    assert other.is_dir(), "make test installs DuckDB 2.0.0 there"
    surroundings = (
        {"PYTHONHASHSEED": "1", "TZ": "UTC"},
        {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "PYTHONPATH": f"{other}{os.pathsep}{ROOT}"},
    )
    published = simulated.parent / "published/elearn.duckdb"
    command = [sys.executable, "-m", "generator", "report", "--warehouse", published]
    for number, variables in enumerate(surroundings):
        subprocess.run(
            [*command, "--output", f"{number}.html"],
            cwd=tmp_path,
            env=os.environ | variables,
            check=True,
            capture_output=True,
        )
    assert (tmp_path / "0.html").read_bytes() == (tmp_path / "1.html").read_bytes()


def test_the_page_holds_aggregates_and_no_rows(pages: dict[str, Path]) -> None:
    charts = specs(pages["simulated"])
    rows = sum(len(rows) for spec in charts.values() for rows in spec["datasets"].values())
    assert rows < 1000
    assert len(json.dumps(charts)) < 200_000


def test_every_axis_says_what_it_shows(pages: dict[str, Path]) -> None:
    named_by_their_labels = {("event_mix", "y"), ("separation", "y")}
    for name, spec in specs(pages["simulated"]).items():
        layers = spec.get("layer", [spec])
        for axis in ("x", "y"):
            titles = {layer["encoding"].get(axis, {}).get("title") for layer in layers} - {None}
            assert titles or (name, axis) in named_by_their_labels, (name, axis)
        assert len(spec["description"]) > 60


def test_the_page_names_the_zone_of_its_days(copied: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(copied)) as con:
        con.execute("update main.build_info set days_in = 'Asia/Kolkata'")
    write_report(copied, tmp_path / "report.html")
    assert "days are those of Asia/Kolkata." in (tmp_path / "report.html").read_text()
    titles = re.findall(r'"day \(([^)]*)\)"', json.dumps(specs(tmp_path / "report.html")))
    assert set(titles) == {"Asia/Kolkata"}


def test_a_published_copy_gives_the_same_charts_and_names_its_tests(
    simulated: Path, pages: dict[str, Path], tmp_path: Path
) -> None:
    published = tmp_path / "published.duckdb"
    with duckdb.connect(str(published)) as con:
        con.execute(f"attach '{simulated}' as built (read_only)")
        con.execute("create schema raw")
        for table in ("raw.users", "raw.events", "raw.loads", *MARTS, "main.load_profile"):
            con.execute(f"create table {table} as from built.{table}")
        con.execute("""
            create table build_info as
            select * replace (
                timestamp '2100-01-02 03:04:05' as built_at, 98 as tests_passed,
                1 as tests_warned, '1.11.16' as dbt_version, '1.5.6' as duckdb_version,
                '0.1.0' as elearn_version
            )
            from built.build_info
        """)
    published.chmod(0o444)
    page = tmp_path / "report.html"
    write_report(published, page)
    assert specs(page) == specs(pages["simulated"])
    text = page.read_text()
    assert "98 passed, 1 warned" in text
    assert "built 2100-01-02 03:04 UTC by dbt 1.11.16, DuckDB 1.5.6" in text
    [(version,)] = (
        duckdb.connect(str(published)).execute("select dataset_version from raw.loads").fetchall()
    )
    assert text.count(version) == 3


def test_tests_count_for_the_content_that_they_saw(
    copied: Path, simulated: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    write_report(simulated, page)
    assert " passed" in page.read_text()
    assert "no build of this content passed all tests" not in page.read_text()
    with duckdb.connect(str(copied)) as con:
        con.execute("update main.user_daily set total_events = total_events + 1 where user_id = 1")
    write_report(copied, page)
    assert "no build of this content passed all tests" in page.read_text()


def test_a_warehouse_without_any_green_build_says_so(copied: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(copied)) as con:
        con.execute("drop table if exists bookkeeping.green_build")
    assert write_report(copied, page := tmp_path / "report.html").charts == CHARTS
    assert "no build of this content passed all tests" in page.read_text()


def test_real_data_get_sentences_for_what_they_lack(real: Path, tmp_path: Path) -> None:
    report = write_report(real, tmp_path / "report.html")
    assert report.missing == {
        "engagement": "There is no engagement score in this data.",
        "churn_by_engagement": "There is no engagement score in this data.",
        "signals_before_churn": (
            "There is no payment_failed and no support_ticket event in this data."
        ),
        "survival_by_plan": (
            "No user is seen from the first active day on and observed to churn in this data."
        ),
    }
    text = (tmp_path / "report.html").read_text()
    for sentence in report.missing.values():
        assert f'<p class="missing">{sentence}</p>' in text
    assert set(specs(tmp_path / "report.html")) == set(CHARTS) - set(report.missing)


def test_a_signal_that_the_data_lack_is_named_under_the_other(copied: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(copied)) as con:
        con.execute("delete from raw.events where event_type = 'payment_failed'")
        con.execute("update user_daily set payment_failed_count = 0")
    write_report(copied, tmp_path / "report.html")
    spec = specs(tmp_path / "report.html")["signals_before_churn"]
    assert spec["description"].endswith("There is no payment_failed event in this data.")
    assert "payment_failed" not in json.dumps(spec["layer"])


def test_data_shorter_than_the_label_window_say_that_nobody_can_churn_yet(
    copied: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(copied)) as con:
        for mart in ("churn_labels", "training_dataset", "training_splits"):
            con.execute(f"delete from {mart}")
        con.execute("update activity_periods set duration_days = null, churn_observed = 0")
    missing = write_report(copied, tmp_path / "report.html").missing
    lacking = "No label window has passed in this data"
    assert set(missing) == {
        "churn_by_engagement",
        "survival_by_plan",
        "activity_before_churn",
        "signals_before_churn",
        "label_rate",
        "separation",
    }
    for name in missing:
        assert missing[name].startswith(lacking), name


def test_without_events_there_is_a_page_of_sentences(without_events: Path, tmp_path: Path) -> None:
    report = write_report(without_events, tmp_path / "report.html")
    assert report.charts == ["engagement"]
    assert set(report.missing) == set(CHARTS) - {"engagement"}
    assert report.missing["daily_active_users"] == "There are no events in this data."
    assert "none, there are no events" in (tmp_path / "report.html").read_text()
