-- How many days lie between each training row and the churn?
-- One row per row of training_dataset that is train or test, for a survival model. With churned 1
-- the user left days_to_end days after as_of_date. With churned 0 the row is censored: the user
-- stayed at least so long. Train rows hold what was known on the day before the test period, test
-- rows what is known on the last day. Rows of users who had left before as_of_date are missing.
{%- set window_days = var('label_window_days') %}
with training as (
    select * from {{ ref('training_dataset') }}
),

splits as (
    select
        training_splits.as_of_date,
        training_splits.split,
        min(training_splits.as_of_date) filter (where training_splits.split = 'test') over ()
            as first_test_day
    from {{ ref('training_splits') }} as training_splits
),

periods as (
    select * from {{ ref('activity_periods') }}
),

last_day as (
    select max(user_daily.as_of_date) as as_of_date
    from {{ ref('user_daily') }} as user_daily
),

-- A churn is known when the last of its label_window_days days without activity is over.
last_known_churns as (
    select
        splits.as_of_date,
        splits.split,
        case
            when splits.split = 'test'
                then {{ first_day_of_last_window('last_day.as_of_date') }}
            else {{ minus_days('splits.first_test_day', window_days) }}
        end as last_churn_day
    from splits
    cross join last_day
    where splits.split in ('train', 'test')
),

followed as (
    select
        training.user_id,
        training.as_of_date,
        last_known_churns.split,
        last_known_churns.last_churn_day,
        least(periods.churn_date, last_known_churns.last_churn_day) as end_day,
        coalesce(periods.churn_date <= last_known_churns.last_churn_day, false) as has_churned
    from training
    inner join last_known_churns on training.as_of_date = last_known_churns.as_of_date
    asof inner join periods
        on
            training.user_id = periods.user_id
            and training.as_of_date >= periods.period_start
)

select
    followed.as_of_date,
    followed.user_id,
    followed.split,
    {{ days_between('followed.as_of_date', 'followed.end_day') }} as days_to_end,
    cast(followed.has_churned as integer) as churned
from followed
where followed.as_of_date < followed.end_day
order by
    followed.as_of_date,
    followed.user_id
