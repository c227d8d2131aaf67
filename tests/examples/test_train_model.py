"""The examples run as their pages say, on what the real command line published."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, run_elearn

pytestmark = pytest.mark.slow  # it builds a warehouse and trains three models

SCRIPT = ROOT / "examples" / "train_model.py"
SIMULATED = ("--n-users", "150", "--days", "110", "--churn-base-rate", "0.8")
MODELS = ("recency alone", "logistic regression", "gradient boosting", "ceiling")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    """A folder with a published file, its ceiling, and what the example made of them."""
    folder = tmp_path_factory.mktemp("example")
    run_elearn(folder, dbt_variables, "build", "--quiet", *SIMULATED)
    published = folder / "published" / "elearn.duckdb"
    published.chmod(0o644)
    ceiling = ("--warehouse", published, "--output", "ceiling.parquet")
    run_elearn(folder, dbt_variables, "ceiling", *ceiling)
    done = train(folder, "--ceiling", "ceiling.parquet")
    assert done.returncode == 0, done.stderr
    (folder / "printed.txt").write_text(done.stdout)
    return folder


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the example as the page does, without this package: the published file is enough."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_every_model_is_judged_on_both_kinds_of_rows(folder: Path) -> None:
    card = (folder / "model" / "model_card.md").read_text()
    for rows in ("all", "active"):
        for model in MODELS:
            assert f"| {rows} | {model} | 0." in card or f"| {rows} | {model} | 1." in card
    assert "no active day from 1 to 30 days after the as_of_date" in card
    with duckdb.connect(str(folder / "published" / "elearn.duckdb"), read_only=True) as con:
        [(version,)] = con.sql("select dataset_version from build_info").fetchall()
        counted = con.sql(
            """
            select count(*), sum(churn_label), count(distinct user_id),
                count(distinct user_id) filter (churn_label = 1)
            from training_dataset inner join training_splits using (as_of_date)
            where split = 'train'
            """
        ).fetchall()
    assert f"Dataset version `{version}`" in card
    assert " | ".join(f"{int(count):,}" for count in counted[0]) in card


def test_the_ceiling_has_the_best_log_loss_on_the_rows_of_the_models(folder: Path) -> None:
    lines = (folder / "printed.txt").read_text().splitlines()
    names = lines[0].split("  ")
    assert "log loss" in [name.strip() for name in names]
    loss = {}
    for line in lines[1:]:
        values = line.split()
        loss[values[0], values[-13]] = float(values[-8])
    for rows in ("all", "active"):
        assert loss[rows, "ceiling"] < min(loss[rows, name] for name in ("alone", "regression"))


def test_today_has_a_score_of_every_model_for_each_eligible_user(folder: Path) -> None:
    scores = pd.read_parquet(folder / "model" / "scores.parquet")
    with duckdb.connect(str(folder / "published" / "elearn.duckdb"), read_only=True) as con:
        users = con.sql("select user_id from scoring_dataset order by user_id").df()
    assert scores["user_id"].tolist() == users["user_id"].tolist()
    for name in ("recency_alone", "logistic_regression", "gradient_boosting"):
        assert scores[name].between(0, 1).all()
        assert scores[name].nunique() > 1


def test_the_pictures_are_drawn(folder: Path) -> None:
    for name in ("calibration.png", "roc_auc.png"):
        assert (folder / "model" / name).read_bytes()[:4] == b"\x89PNG"


def test_a_ceiling_of_other_rows_is_refused(folder: Path) -> None:
    rows = pq.read_table(folder / "ceiling.parquet")
    pq.write_table(rows.filter(pc.field("user_id") > 10), folder / "part.parquet")
    done = train(folder, "--ceiling", "part.parquet", "--output-dir", "other")
    assert done.returncode == 1
    assert done.stderr == "part.parquet: some test rows are missing; run `elearn ceiling` again\n"
    assert not (folder / "other").exists()


def test_a_ceiling_of_other_vars_is_refused(folder: Path) -> None:
    rows = pq.read_table(folder / "ceiling.parquet")
    told = rows.schema.metadata
    told[b"vars"] = told[b"vars"].replace(b'"label_gap_days": 0', b'"label_gap_days": 7')
    pq.write_table(rows.replace_schema_metadata(told), folder / "gap.parquet")
    done = train(folder, "--ceiling", "gap.parquet", "--output-dir", "other")
    assert done.returncode == 1
    refusal = "gap.parquet: is the ceiling of another build; run `elearn ceiling` again\n"
    assert done.stderr == refusal


@pytest.mark.parametrize(
    "arguments",
    [("--published", "missing.duckdb"), ("--ceiling", "missing.parquet"), ("--ceiling", "log.txt")],
    ids=" ".join,
)
def test_a_file_that_cannot_be_read_is_named_in_one_line(
    arguments: tuple[str, str], folder: Path
) -> None:
    (folder / "log.txt").write_text("no Parquet")
    done = train(folder, *arguments, "--output-dir", "other")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert arguments[1] in done.stderr


def test_where_nobody_is_to_score_the_models_are_judged_all_the_same(folder: Path) -> None:
    empty = Path(shutil.copy(folder / "published" / "elearn.duckdb", folder / "empty.duckdb"))
    with duckdb.connect(str(empty)) as con:
        con.execute("delete from scoring_dataset")
    done = train(folder, "--published", "empty.duckdb", "--output-dir", "unscored")
    assert done.returncode == 0, done.stderr
    assert pd.read_parquet(folder / "unscored" / "scores.parquet").empty
