"""The ceiling's line beside the features: the area of the best possible prediction."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from generator.ceiling import compute_ceiling
from generator.errors import UsageError
from generator.report import write_report
from tests.conftest import Elearn
from tests.report.test_writing import specs

TEST_ROWS = """
    from training_dataset
    where as_of_date in (select as_of_date from training_splits where split = 'test')
"""


@pytest.fixture(scope="module")
def ceiling(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ceiling") / "ceiling.parquet"
    compute_ceiling(simulated, path)
    return path


def test_the_line_is_the_auc_of_the_probabilities_on_the_test_days(
    elearn: Elearn, copied: Path, ceiling: Path, tmp_path: Path
) -> None:
    elearn("report", "--ceiling", ceiling, "--quiet")
    with duckdb.connect(str(copied)) as con:
        rows = con.execute(TEST_ROWS).df()
    probabilities = pd.read_parquet(ceiling)
    probabilities["as_of_date"] = pd.to_datetime(probabilities["as_of_date"])
    rows = rows.merge(probabilities, on=["user_id", "as_of_date"], validate="one_to_one")
    area = roc_auc_score(rows["churn_label"], rows["probability"])
    separation = specs(tmp_path / "report.html")["separation"]
    [line] = [layer for layer in separation["layer"] if layer["mark"]["type"] == "rule"]
    [point] = separation["datasets"][line["data"]["name"]]
    assert point == {"separation": pytest.approx(area), "series": "ceiling"}
    assert f"Dashed: the ceiling, {area:.3f}, " in separation["description"]


def test_without_a_ceiling_there_is_no_line(pages: dict[str, Path]) -> None:
    separation = specs(pages["simulated"])["separation"]
    assert "ceiling" not in str(separation)
    assert "rule" not in [layer["mark"]["type"] for layer in separation["layer"]]


def test_a_ceiling_may_be_there_where_no_test_day_is(
    copied: Path, ceiling: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(copied)) as con:
        con.execute("delete from training_splits where split = 'test'")
    report = write_report(copied, tmp_path / "report.html", ceiling=ceiling)
    assert report.missing["separation"].startswith("The test days of this data do not hold")


@pytest.mark.parametrize(
    "statement",
    [
        "update build_info set dataset_version = '0123456789abcdef'",
        "update build_info set vars = replace(vars, 'false', 'true')",
        "insert into training_dataset by name select * replace (999 as user_id)"
        " from training_dataset limit 1",
    ],
)
def test_the_ceiling_of_another_build_is_refused(
    statement: str, copied: Path, ceiling: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(copied)) as con:
        con.execute(statement)
    check_refused(copied, ceiling, tmp_path)


@pytest.mark.parametrize("content", ["missing", "a folder", "a text", "other columns"])
def test_a_file_that_is_no_ceiling_is_refused(
    content: str, simulated: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.parquet"
    if content == "a folder":
        path.mkdir()
    elif content == "a text":
        path.write_text("user_id,as_of_date,probability\n")
    elif content == "other columns":
        pd.DataFrame({"user_id": [1]}).to_parquet(path)
    check_refused(simulated, path, tmp_path)


def check_refused(warehouse: Path, ceiling: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"wrote from this build$") as refused:
        write_report(warehouse, folder / "report.html", ceiling=ceiling)
    assert str(refused.value).startswith(f"ceiling: '{ceiling}' is not allowed; give what")
    assert not (folder / "report.html").exists()


def test_the_page_never_takes_the_place_of_the_ceiling(
    simulated: Path, ceiling: Path, tmp_path: Path
) -> None:
    kept = shutil.copy(ceiling, tmp_path / "ceiling.parquet")
    with pytest.raises(UsageError, match="a file that is not the ceiling"):
        write_report(simulated, kept, ceiling=kept)
    assert pq.read_table(kept).equals(pq.read_table(ceiling))
