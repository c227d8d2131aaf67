"""Train a churn model on the published file, judge it honestly, and score today's users.

    python examples/train_model.py --output-dir model
    elearn ceiling --output ceiling.parquet    # only for simulated data
    python examples/train_model.py --ceiling ceiling.parquet --output-dir model

Writes scores.parquet, model_card.md, calibration.png and roc_auc.png. docs/training.md explains
what the numbers mean. Needs ``pip install '.[examples]'``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from model_card import model_card, plot_auc, plot_calibration
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NOT_FEATURES = ["user_id", "as_of_date", "signup_date"]
"""Keys, and a date that days_since_signup says in a form that holds for later days too."""
BASELINE = ["days_since_last_activity"]
USER_GROUPS = 20
"""Groups of users of which standard errors leave one out at a time."""
TOP_SHARES = (0.01, 0.05, 0.1)
BINS = [0, 0.005, 0.02, 0.1, 0.5, 1]

ROWS = """
    select rows.*
    from training_dataset as rows
    inner join training_splits as splits using (as_of_date)
    where splits.split = ?
    order by user_id, as_of_date
"""


@dataclass
class Data:
    """What the published file holds for a model."""

    build: dict[str, Any]
    """The row of build_info, its vars parsed."""
    train: pd.DataFrame
    test: pd.DataFrame
    today: pd.DataFrame
    splits: pd.DataFrame


def main() -> None:
    """Train, judge, score, write."""
    parser = argparse.ArgumentParser(description="Train a churn model on the published file.")
    parser.add_argument("--published", type=Path, default=Path("published/elearn.duckdb"))
    parser.add_argument("--ceiling", type=Path, help="what `elearn ceiling --output` wrote")
    parser.add_argument("--output-dir", type=Path, default=Path("model"))
    arguments = parser.parse_args()
    try:
        data = read(arguments.published)
        path = arguments.ceiling
        ceiling = {} if path is None else {"ceiling": read_ceiling(path, data)}
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise SystemExit(f"nothing was trained: {str(error).splitlines()[0]}") from None
    models = train(data.train)
    predicted = {name: predict(model, data.test) for name, model in models.items()} | ceiling
    judged = judge(data.test, predicted)
    write(data, models, judged, predicted, arguments.output_dir)
    print(judged.to_string(index=False, float_format="{:.4f}".format))


def read(published: Path) -> Data:
    """Read the rows of train and test, and those to score today."""
    with duckdb.connect(str(published), read_only=True) as con:
        build = con.sql("from build_info").df().iloc[0].to_dict()
        if "vars" not in build:
            raise SystemExit(f"{published}: build_info does not hold the vars; publish it again")
        data = Data(
            build=build | {"vars": json.loads(build["vars"])},
            train=con.execute(ROWS, ["train"]).df(),
            test=con.execute(ROWS, ["test"]).df(),
            today=con.sql("from scoring_dataset order by user_id").df(),
            splits=con.sql(
                """
                select split, count(*) as days, min(as_of_date)::date as first_day,
                    max(as_of_date)::date as last_day
                from training_splits group by all order by first_day
                """
            ).df(),
        )
    for name, rows in {"train": data.train, "test": data.test}.items():
        if rows["churn_label"].nunique() < 2:
            raise SystemExit(f"{published}: the {name} days have no rows of both labels")
    return data


def train(rows: pd.DataFrame) -> dict[str, Pipeline]:
    """Fit every model on the train days, with settings that nobody tuned on the test days."""
    features = rows.drop(columns=[*NOT_FEATURES, "churn_label"])
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    by_type = (texts, make_column_selector(dtype_exclude="number"))
    # A user without a quiz has no mean score: that is a fact of its own.
    filled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    models = {
        "recency alone": make_pipeline(
            make_column_transformer((StandardScaler(), BASELINE)), LogisticRegression()
        ),
        "logistic regression": make_pipeline(
            make_column_transformer(by_type, remainder=filled), LogisticRegression(max_iter=1000)
        ),
        "gradient boosting": make_pipeline(
            make_column_transformer(by_type, remainder="passthrough"),
            # Early stopping would hold out rows at random, of users and days that it trains on.
            HistGradientBoostingClassifier(
                max_iter=150, learning_rate=0.05, early_stopping=False, random_state=1
            ),
        ),
    }
    return {name: model.fit(features, rows["churn_label"]) for name, model in models.items()}


def predict(model: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Return the probability of churn_label = 1 for each row; on the last day there may be none."""
    if rows.empty:
        return np.empty(0)
    return model.predict_proba(rows.drop(columns=NOT_FEATURES))[:, 1]


def read_ceiling(path: Path, data: Data) -> np.ndarray:
    """Return the best possible probability for each test row."""
    if not path.is_file():
        raise SystemExit(f"{path}: there is no such file")
    table, test = pq.read_table(path), data.test
    told = table.schema.metadata or {}
    # With other vars the same rows may have other labels.
    version, asked = told.get(b"dataset_version", b""), json.loads(told.get(b"vars", b"null"))
    if (version.decode(), asked) != (data.build["dataset_version"], data.build["vars"]):
        raise SystemExit(f"{path}: is the ceiling of another build; run `elearn ceiling` again")
    ceiling = table.to_pandas()
    ceiling["as_of_date"] = pd.to_datetime(ceiling["as_of_date"]).astype(test["as_of_date"].dtype)
    joined = test[["user_id", "as_of_date"]].merge(ceiling, how="left")
    if joined["probability"].isna().any():
        raise SystemExit(f"{path}: some test rows are missing; run `elearn ceiling` again")
    return joined["probability"].to_numpy()


def judge(test: pd.DataFrame, predicted: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return one row for each model and set of rows, every metric with its standard error."""
    chosen = {"all": np.full(len(test), True), "active": test["is_active_day"].to_numpy() == 1}
    judged = []
    for rows, kept in chosen.items():
        label, user = test["churn_label"].to_numpy()[kept], test["user_id"].to_numpy()[kept]
        for name, probability in predicted.items():
            found = {"rows": rows, "model": name}
            for metric, measure in METRICS.items():
                value, error = with_error(measure, label, probability[kept], user)
                found |= {metric: value, f"± {metric}": error}
            judged.append(found)
    return pd.DataFrame(judged)


def precision_at(share: float) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return the metric: the share of positives among the rows with the highest scores."""

    def measure(label: np.ndarray, probability: np.ndarray) -> float:
        count = max(1, round(share * label.size))
        # Of rows with the same score, one cannot tell which are taken: take their mean.
        lowest = np.partition(probability, -count)[-count]
        above, tied = probability > lowest, probability == lowest
        taken = label[above].sum() + (count - above.sum()) * label[tied].mean()
        return float(taken / count)

    return measure


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "ROC AUC": roc_auc_score,
    "PR AUC": average_precision_score,
    "log loss": log_loss,
    **{f"top {share:.0%}": precision_at(share) for share in TOP_SHARES},
}


def with_error(
    measure: Callable[..., float], label: np.ndarray, probability: np.ndarray, user: np.ndarray
) -> tuple[float, float]:
    """Return a metric and its standard error by user: rows of one user are no independent draws."""
    group = np.unique(user, return_inverse=True)[1] % USER_GROUPS
    parts = [group != number for number in range(USER_GROUPS)]
    parts = [kept for kept in parts if 0 < label[kept].sum() < kept.sum()]
    if len(parts) < USER_GROUPS:
        return (float("nan"),) * 2
    left_out = np.array([measure(label[kept], probability[kept]) for kept in parts])
    spread = ((left_out - left_out.mean()) ** 2).sum() * (USER_GROUPS - 1) / USER_GROUPS
    return float(measure(label, probability)), float(np.sqrt(spread))


def calibration(test: pd.DataFrame, predicted: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the predicted and the realised share of positives, by model and bin."""
    parts = []
    for name, probability in predicted.items():
        bins = pd.cut(probability, BINS, include_lowest=True).astype(str)
        rows = pd.DataFrame(
            {"bin": bins, "predicted": probability, "realised": test["churn_label"]}
        )
        means = rows.groupby("bin").mean().assign(rows=rows.groupby("bin").size())
        parts.append(means.reset_index().assign(model=name))
    return pd.concat(parts).sort_values(["model", "predicted"])


def write(
    data: Data,
    models: dict[str, Pipeline],
    judged: pd.DataFrame,
    predicted: dict[str, np.ndarray],
    folder: Path,
) -> None:
    """Write scores, model card and plots."""
    folder.mkdir(parents=True, exist_ok=True)
    scores = data.today[["user_id", "as_of_date"]].assign(
        **{name.replace(" ", "_"): predict(model, data.today) for name, model in models.items()}
    )
    scores.to_parquet(folder / "scores.parquet", index=False)
    parts = {"train": data.train, "test": data.test}
    bins = calibration(data.test, predicted)
    card = model_card(data.build, data.splits, parts, judged, bins)
    (folder / "model_card.md").write_text(card)
    plot_auc(judged).save(folder / "roc_auc.png", scale_factor=2)
    plot_calibration(bins).save(folder / "calibration.png", scale_factor=2)


if __name__ == "__main__":
    main()
