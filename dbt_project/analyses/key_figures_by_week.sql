-- How do the key figures move from week to week?
-- One row per week from Monday that is observed whole. active_users were active on at least one of
-- its days; revenue is what users paid; label_rate is the share of its rows of the training dataset
-- with churn_label 1, and empty where no whole week of labels is known yet.
with user_daily as (
    select * from {{ ref('user_daily') }}
),

training_dataset as (
    select * from {{ ref('training_dataset') }}
),

weeks as (
    select
        {{ week_of('user_daily.as_of_date') }} as week,
        {{ active_users('user_daily') }} as active_users,
        {{ revenue('user_daily') }} as revenue
    from user_daily
    group by week
    having {{ is_whole_week('user_daily.as_of_date') }}
),

labelled_weeks as (
    select
        {{ week_of('training_dataset.as_of_date') }} as week,
        {{ label_rate('training_dataset') }} as label_rate
    from training_dataset
    group by week
    having {{ is_whole_week('training_dataset.as_of_date') }}
)

select
    weeks.week,
    weeks.active_users,
    round(weeks.revenue, 2) as revenue,
    round(labelled_weeks.label_rate, 4) as label_rate
from weeks
left join labelled_weeks on weeks.week = labelled_weeks.week
order by weeks.week
