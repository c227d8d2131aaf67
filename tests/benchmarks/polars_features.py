"""user_features_daily in polars, from the warehouse and back into it, equal to the bit."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from tests.benchmarks.measuring import Clock, Row, measured
from tests.benchmarks.models import ONCE_MORE, write

MART = "main.user_features_daily"
COUNTS = {
    "active_days": "is_active_day",
    "events": "total_events",
    "logins": "logins_count",
    "enroll": "enroll_count",
    "quiz_attempts": "quiz_attempts_count",
    "payment_success": "payment_success_count",
    "payment_failed": "payment_failed_count",
    "support_ticket": "support_ticket_count",
}
MEASURES = {"watch": "watch_scaled", "scores": "scores_scaled", "score_counts": "scores_count"}
# user_daily and what it lacks for a mean over a window
QUERY = """
    select user_daily.*, coalesce(scores_count, 0) as scores_count,
        coalesce(scores_scaled, 0) as scores_scaled,
        cast(round(watch_minutes_sum * 10000) as bigint) as watch_scaled,
        cast(10000 as double) as scale
    from user_daily
    left join (
        select user_id, event_date, count(quiz_score) as scores_count,
            cast(sum(cast(round(quiz_score * 10000) as bigint)) as bigint) as scores_scaled
        from raw.events where event_type = 'quiz_attempt' and quiz_score is not null
        group by user_id, event_date
    ) as scores
        on user_daily.user_id = scores.user_id and as_of_date = event_date
    order by user_daily.user_id, as_of_date
"""


def features(daily: pl.DataFrame) -> pl.DataFrame:
    """Return the features; one running sum over the whole sorted frame, and no groups."""
    starts = pl.col("user_id").ne_missing(pl.col("user_id").shift())
    frame = daily.lazy().with_columns(position=pl.int_range(pl.len()), starts=starts)
    first = pl.when("starts").then("position").forward_fill()
    frame = frame.with_columns(nth=pl.col("position") - first)
    sums = {name: pl.col(column).cast(pl.Int64) for name, column in (COUNTS | MEASURES).items()}
    frame = frame.with_columns(
        *[column.cum_sum().alias(f"_{name}") for name, column in sums.items()],
        *[
            pl.when("starts").then(column.cum_sum() - column).forward_fill().alias(f"_{name}_0")
            for name, column in sums.items()
        ],
    )
    for days in (7, 14, 30):
        frame = frame.with_columns(*[_window(name, days) for name in sums])
        frame = frame.with_columns(*_means(days))
    return frame.with_columns(_fail_rate(), _recency()).collect()


def _window(name: str, days: int) -> pl.Expr:
    running = pl.col(f"_{name}")
    before = pl.when(pl.col("nth") >= days).then(running.shift(days))
    return (running - before.otherwise(pl.col(f"_{name}_0"))).alias(f"{name}_{days}d")


def _means(days: int) -> tuple[pl.Expr, pl.Expr]:
    counts = pl.col(f"score_counts_{days}d")
    mean = pl.when(counts > 0).then(pl.col(f"scores_{days}d") / (counts * 10000))
    watch = pl.col(f"watch_{days}d") / pl.col("scale")  # by a literal is by its inverse
    return mean.alias(f"quiz_avg_score_{days}d"), watch.alias(f"watch_minutes_{days}d")


def _fail_rate() -> pl.Expr:
    failed, paid = pl.col("payment_failed_30d"), pl.col("payment_success_30d")
    rate = pl.when(failed + paid > 0).then(failed / (failed + paid)).otherwise(0.0)
    return rate.alias("payment_fail_rate_30d")


def _recency() -> pl.Expr:
    active = pl.when(pl.col("is_active_day") == 1).then("days_since_signup")
    latest = active.otherwise(pl.when("starts").then(0)).forward_fill()
    return (pl.col("days_since_signup") - latest).alias("days_since_last_activity")


def write_features(clock: Clock, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as con:
        con.execute("set wal_autocheckpoint = '1GB'")  # as dbt has it
        with clock.running():
            con.register("finished", features(con.execute(QUERY).pl()).to_arrow())
            write(con, MART, f"select {_columns(con)} from finished")
        check_equal(con)
        con.execute(f"drop table {ONCE_MORE}")


def _columns(con: duckdb.DuckDBPyConnection) -> str:
    return ", ".join(name for name, *_ in con.execute(f"describe {MART}").fetchall())


def check_equal(con: duckdb.DuckDBPyConnection) -> None:
    """Hold both tables to the same rows, to the last bit."""
    query = "select count(*), sum(hash(features)) from {} as features"
    hashes = [con.execute(query.format(table)).fetchall() for table in (MART, ONCE_MORE)]
    assert hashes[0] == hashes[1], "polars computes other features"


def polars_row(warehouse: Path, model: Row) -> Row:
    """Return the row of a measured model, against polars."""
    seconds = measured(write_features, warehouse).seconds
    return Row("user_features_daily against polars", model.ours, seconds, 1.0, model.peak_bytes)
