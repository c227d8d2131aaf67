-- A user-day has a label when, and only when, its whole label window is observed.
{%- set untested = is_untested('as_of_date', 'main.churn_labels') ~ ' or ' ~ is_untested(
    'as_of_date', 'main.user_daily', days_after=label_reach_days()
) %}

with user_daily as (
    select * from {{ ref('user_daily') }}
),

labels as (
    select * from {{ ref('churn_labels') }}
    where {{ untested }}
),

last_observed as (
    select max(user_daily.as_of_date) as last_day
    from user_daily
),

observed_user_days as (
    select
        user_daily.user_id,
        user_daily.as_of_date
    from user_daily
    inner join last_observed
        on
            {{ plus_days(
                plus_days('user_daily.as_of_date', var('label_gap_days')), var('label_window_days')
            ) }} <= last_observed.last_day
    where {{ untested }}
)

select
    observed_user_days.user_id as observed_user_id,
    observed_user_days.as_of_date as observed_as_of_date,
    labels.user_id as labelled_user_id,
    labels.as_of_date as labelled_as_of_date
from observed_user_days
full outer join labels
    on
        observed_user_days.user_id = labels.user_id
        and observed_user_days.as_of_date = labels.as_of_date
where
    observed_user_days.user_id is null
    or labels.user_id is null
