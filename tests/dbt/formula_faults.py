"""Faults of the models' formulas: what stands in the compiled SQL, and what a bug makes of it."""

from __future__ import annotations

from tests.dbt.user_daily_faults import NO_QUIZ, TYPES, USER_DAILY, Faults

FAIL_RATE = "nullif(cast(rolling_sums.payments_succeeded_and_failed_30d >> 32 as integer) + "
FAILED_30D = "cast(rolling_sums.payments_succeeded_and_failed_30d & 4294967295 as integer)"

LATEST_DAY = "max(measures_per_day.active_days_since_signup) over up_to_the_day"
ROWS_29, ROWS_59 = (
    "(partition by measures_per_day.user_id order by measures_per_day.as_of_date"
    f" rows between {rows} preceding and current row)"
    for rows in (29, 59)
)

FEATURES: Faults = {
    "totals know the future": (
        "rows between unbounded preceding and current row",
        "rows between unbounded preceding and unbounded following",
    ),
    "totals up to the day before": (
        "rows between unbounded preceding and current row",
        "rows between unbounded preceding and 1 preceding",
    ),
    "recency over the last 30 rows": (LATEST_DAY, LATEST_DAY.replace("up_to_the_day", ROWS_29)),
    "recency over the last 60 rows": (LATEST_DAY, LATEST_DAY.replace("up_to_the_day", ROWS_59)),
    "recency of any event": (
        "case when user_daily.is_active_day = 1 then",
        "case when user_daily.total_events > 0 then",
    ),
    "a user never seen was active today": (
        "rolling_sums.latest_active_day,",
        "rolling_sums.latest_active_day, rolling_sums.days_since_signup,",
    ),
    "failed per paid": (FAIL_RATE, "nullif(0 * "),
    "failed per payment, a payment more": (FAIL_RATE, FAIL_RATE.replace("(cast", "(1 + cast")),
    "a failed rate without a payment": (
        "            0\n        ) as payment_fail_rate_30d",
        "            1\n        ) as payment_fail_rate_30d",
    ),
    "the fail rate of 14 days": (
        f"cast({FAILED_30D} as double)\n",
        f"cast({FAILED_30D.replace('30d', '14d')} as double)\n",
    ),
    "a fail rate in whole numbers": (
        f"cast({FAILED_30D} as double)\n            /",
        f"{FAILED_30D}\n            //",
    ),
    "a mean over attempts": (
        "coalesce(quiz_scores_per_day.quiz_scores_count, 0)",
        "user_daily.quiz_attempts_count",
    ),
    "scores of every event": ("events.event_type = 'quiz_attempt'", "true"),
    "a score of 0 is left out": ("events.quiz_score is not null", "events.quiz_score > 0"),
    "minutes are cut": (
        "round(user_daily.watch_minutes_sum * 10000)",
        "trunc(user_daily.watch_minutes_sum * 10000)",
    ),
    "minutes are rounded to three decimals": (
        "round(user_daily.watch_minutes_sum * 10000)",
        "10 * round(user_daily.watch_minutes_sum * 1000)",
    ),
    "scores are cut": ("round(events.quiz_score", "trunc(events.quiz_score"),
    "a week of eight days": ("_total, 7, 0)", "_total, 8, 0)"),
    "a week of six days": ("_total, 7, 0)", "_total, 6, 0)"),
    "two weeks of 13 days": ("_total, 14, 0)", "_total, 13, 0)"),
    "a month of 29 days": ("_total, 30, 0)", "_total, 29, 0)"),
    "a month of 31 days": ("_total, 30, 0)", "_total, 31, 0)"),
    "a month without its first rows": ("_total, 30, 0)", "_total, 30)"),
    "users share their totals": (
        "partition by measures_per_day.user_id\n        order by",
        "order by measures_per_day.user_id,",
    ),
}

LABELS: Faults = {
    "a label window of 29 days": ("active_days, 30)", "active_days, 29)"),
    "a label window of 31 days": ("active_days, 30)", "active_days, 31)"),
    "a gap of a day": ("active_days, 0)", "active_days, 1)"),
    "a label window from the day on": (
        "rows between unbounded preceding and current row",
        "rows between unbounded preceding and 1 preceding",
    ),
    "one active day is churn": ("future_active_days = 0 then", "future_active_days <= 1 then"),
    "no label on the last labelled day": ("as_of_date <= observation", "as_of_date < observation"),
    "labels of windows that are not over": (
        "as_of_date <= observation_window.last_labelled_day",
        "as_of_date <= observation_window.last_labelled_day + 1",
    ),
    "users share a label window": (
        "partition by active_days_so_far.user_id\n        order by",
        "order by",
    ),
}

SPLITS: Faults = {
    "the last quarter is test": ("number_of_days / 5", "number_of_days / 4"),
    "the last sixth is test": ("number_of_days / 5", "number_of_days / 6"),
    "a day more is test": ("as bigint))", "as bigint) + 1)"),
    "an embargo of 29 days": ("interval '30' day as date)\n", "interval '29' day as date)\n"),
    "an embargo of 31 days": ("interval '30' day as date)\n", "interval '31' day as date)\n"),
    "the embargo ends a day late": (
        ">= embargo_period.first_test_day",
        "> embargo_period.first_test_day",
    ),
    "no embargo": ("then 'embargo'", "then 'train'"),
    "the first fifth is test": (
        "order by labelled_days.as_of_date desc",
        "order by labelled_days.as_of_date",
    ),
}

ELIGIBLE = (
    "where\n        first_active_days.first_active_day <= features.as_of_date\n"
    "        and features.days_since_last_activity < 30"
)
DATASETS: Faults = {
    "users who are gone": (ELIGIBLE, "where true"),
    "only users of two weeks": (ELIGIBLE, ELIGIBLE.replace("< 30", "< 14")),
}
TRAINING = DATASETS | {
    "users who were never seen": (ELIGIBLE, "where features.days_since_last_activity < 30"),
    "the month is a day longer": (ELIGIBLE, ELIGIBLE.replace("< 30", "<= 30")),
    "not on the first active day": (ELIGIBLE, ELIGIBLE.replace("_day <= f", "_day < f")),
    "first active by any event": (
        "where user_daily.is_active_day = 1",
        "where user_daily.total_events > 0",
    ),
    "the label of the day after": (
        "and features.as_of_date = labels.as_of_date",
        "and features.as_of_date = labels.as_of_date - 1",
    ),
    "everybody stays": ("labels.churn_label\n", "0 as churn_label\n"),
}
SCORING = DATASETS | {
    "the day before the last": (
        "features.as_of_date = observation_window.last_day",
        "features.as_of_date = observation_window.last_day - 1",
    ),
    "every day": (
        "features.as_of_date = observation_window.last_day",
        "features.as_of_date <= observation_window.last_day",
    ),
}

PERIODS: Faults = {
    "a pause of 29 days ends a period": ("> 30\n", "> 29\n"),
    "a pause of 31 days ends no period": ("> 30\n", "> 31\n"),
    "users share their periods": (
        "partition by first_days.user_id order by",
        "order by first_days.user_id,",
    ),
    "periods are numbered from the last one": (
        "order by first_days.as_of_date)",
        "order by first_days.as_of_date desc)",
    ),
    "a period ends where the next one starts": (
        "lead(first_days.previous_active_day)",
        "lead(first_days.as_of_date)",
    ),
    "the last period ends with its first day": (
        "coalesce(numbered_periods.last_active_day, active_users.last_active_day)",
        "coalesce(numbered_periods.last_active_day, numbered_periods.as_of_date)",
    ),
    "a period is a day shorter": (
        "active_users.number_of_days + 1)",
        "active_users.number_of_days)",
    ),
    "a churn is seen a day early": (
        "interval '29' day as date) as last",
        "interval '28' day as date) as last",
    ),
    "a churn is seen a day late": (
        "interval '29' day as date) as last",
        "interval '30' day as date) as last",
    ),
    "the last active day is the churn": (
        "then cast(periods.last_active_day + interval '1' day as date)",
        "then periods.last_active_day",
    ),
    "censored by the last activity": (
        "coalesce(ended_periods.churn_date, ended_periods.last_churn_day)",
        "coalesce(ended_periods.churn_date, ended_periods.last_active_day)",
    ),
    "a late signup began before the window": (
        "ended_periods.signup_date < ended_periods.first_day",
        "true",
    ),
    "every early signup began before the window": (
        "ended_periods.period_start\n                < cast(",
        "true or ended_periods.period_start < cast(",
    ),
    "another plan": ("        user_daily.plan,", "        'free' as plan,"),
}

STAGING: Faults = {
    "minutes are scores": ("cast(events.watch_minutes as", "cast(events.quiz_score as"),
    "scores are minutes": ("cast(events.quiz_score as", "cast(events.watch_minutes as"),
    "amounts are minutes": ("cast(events.amount as", "cast(events.watch_minutes as"),
    "events without a measure are left out": (
        "\nfrom events",
        "\nfrom events where events.quiz_score is not null",
    ),
    "failed payments are tickets": (
        "cast(events.event_type as string)",
        "replace(events.event_type, 'payment_failed', 'support_ticket')",
    ),
    "events a day later": (
        "cast(events.event_date as date)",
        "cast(events.event_date + 1 as date)",
    ),
    "events of the next user": (
        "cast(events.user_id as integer)",
        "cast(events.user_id % 24 + 1 as integer)",
    ),
}

OF_MODELS = {
    "stg_events": STAGING,
    "user_daily": USER_DAILY,
    "user_features_daily": FEATURES,
    "churn_labels": LABELS,
    "training_splits": SPLITS,
    "training_dataset": TRAINING,
    "scoring_dataset": SCORING,
    "activity_periods": PERIODS,
}

OF_MACROS: Faults = {
    "measures are cut": ("round(", "trunc("),
    "measures have three decimals": (" * 10000) as bigint)", " * 1000) as bigint) * 10"),
    "a sum is a tenth": (" as double) / 10000", " as double) / 100000"),
    "a mean is a hundredth": ("as bigint) * 10000, 0)", "as bigint) * 1000000, 0)"),
    "a quiz is no engagement": (TYPES, NO_QUIZ),
    "a payment is engagement": (TYPES, TYPES.replace("login", "payment_success")),
    "the window ends a day early": (
        "        max(events.event_date)\n        as last_day",
        "        max(events.event_date) - 1\n        as last_day",
    ),
    "the window begins a day late": (
        "        min(events.event_date)\n        as first_day",
        "        min(events.event_date) + 1\n        as first_day",
    ),
    "the last labelled day is a day late": (
        "cast(ends.last_day - interval '30' day as date)",
        "cast(ends.last_day - interval '29' day as date)",
    ),
    "the signup is day 1": (
        "cast(user_days.as_of_date - user_days.signup_date as integer)",
        "cast(user_days.as_of_date - user_days.signup_date + 1 as integer)",
    ),
    "everybody is eligible": (ELIGIBLE, "where true"),
    "the low half of a pair": (" & 4294967295", " & 1"),
    "the high half of a pair": (" >> 32", " >> 33"),
}
"""Faults of what several models share, and of what the data tests use as well."""
