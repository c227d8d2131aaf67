"""What the example writes about its models: the card in Markdown, and two plots."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import pandas as pd


def model_card(
    build: dict[str, Any],
    splits: pd.DataFrame,
    parts: dict[str, pd.DataFrame],
    judged: pd.DataFrame,
    bins: pd.DataFrame,
) -> str:
    """Return what a reader has to know of the models before using a score."""
    asked = build["vars"]
    gap, window = asked["label_gap_days"], asked["label_window_days"]
    label = f"no active day from {gap + 1} to {gap + window} days after the as_of_date"
    rows = pd.DataFrame({name: counts(part) for name, part in parts.items()}).T
    days = splits.set_index("split").astype(str)
    return CARD.format(
        version=build["dataset_version"],
        vars="\n".join(f"- `{name}`: {json.dumps(value)}" for name, value in asked.items()),
        label=label,
        splits=table(days.join(rows).fillna("").reset_index(names="split")),
        metrics=table(judged),
        calibration=table(bins[["model", "bin", "rows", "predicted", "realised"]]),
        test_users=f"{parts['test']['user_id'].isin(parts['train']['user_id']).mean():.0%}",
    )


CARD = """# Model card: churn

Dataset version `{version}`. `churn_label = 1` means: {label}.

## Variables of the build

{vars}

## Rows

{splits}

## Metrics on the test days

`active` are the rows of users who were active on the day itself, so that a churn is still ahead. On
`all` rows most of the positives left days ago, and recency gives them away. ± is one standard error
by user. `top 1%` is the share of positives among the 1 % of rows with the highest scores.

{metrics}

## Calibration on the test days

{calibration}

## What it is not for

- **New users.** {test_users} of the test rows are of users who are in the train rows too. So the
  metrics tell how well the models predict later days of known users.
- **Counting rows as evidence.** Rows of one user on consecutive days overlap in features and label.
  The users with a positive, in the table above, are what there is to learn from.
- **Causes.** A feature that predicts churn need not cause it.
- **Other definitions of churn.** The scores speak of the label above and of nothing else.

`scores.parquet` scores the eligible users of the last day with every model. Nothing was tuned on
the test days.
"""


def counts(rows: pd.DataFrame) -> dict[str, str]:
    """Return what there is to learn from."""
    positive = rows[rows["churn_label"] == 1]
    return {
        "rows": f"{len(rows):,}",
        "positives": f"{len(positive):,}",
        "users": f"{rows['user_id'].nunique():,}",
        "users with a positive": f"{positive['user_id'].nunique():,}",
    }


def table(frame: pd.DataFrame) -> str:
    """Return a frame as a table in Markdown."""
    rows = [frame.columns, ["---"] * frame.shape[1], *frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(map(cell, row))} |" for row in rows)


def cell(value: object) -> str:
    """Return a value as it stands in a table."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def plot_auc(judged: pd.DataFrame) -> alt.LayerChart:
    """Draw each model's ROC AUC with two standard errors."""
    frame = judged.rename(columns={"ROC AUC": "auc"})
    error = 2 * frame["± ROC AUC"]
    frame = frame.assign(low=frame["auc"] - error, high=(frame["auc"] + error).clip(upper=1))
    rows = alt.Y("model:N", sort=list(frame["model"].unique()), title=None)
    scale = alt.Scale(zero=False)
    color = alt.Color("rows:N", title="test rows")
    base = alt.Chart(frame[["model", "rows", "auc", "low", "high"]]).encode(
        y=rows, yOffset="rows:N", color=color
    )
    points = base.mark_point(filled=True, size=60).encode(
        x=alt.X("auc:Q", scale=scale, title="ROC AUC, with two standard errors by user")
    )
    bars = base.mark_rule().encode(x=alt.X("low:Q", scale=scale, title=""), x2="high:Q")
    return (points + bars).properties(width=420, height=200)


def plot_calibration(bins: pd.DataFrame) -> alt.LayerChart:
    """Draw the realised share of positives against the predicted one."""
    title = "{} share of positives, test rows"
    scale = alt.Scale(type="log", domain=[0.0001, 1])  # most shares are small
    points = (
        alt.Chart(bins[bins[["predicted", "realised"]].min(axis=1) > 0])
        .mark_line(point=True)
        .encode(
            x=alt.X("predicted:Q", title=title.format("predicted"), scale=scale),
            y=alt.Y("realised:Q", title=title.format("realised"), scale=scale),
            color=alt.Color("model:N", title=None),
        )
    )
    right = alt.Chart(pd.DataFrame({"x": [0.0001, 1], "y": [0.0001, 1]})).mark_line(
        strokeDash=[4, 4], color="grey"
    )
    return (right.encode(x="x:Q", y="y:Q") + points).properties(width=360, height=360)
