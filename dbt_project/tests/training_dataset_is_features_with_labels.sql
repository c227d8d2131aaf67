-- training_dataset has the labelled user-days of eligible users, all of them, with their label.
{%- set untested = is_untested('as_of_date', 'main.user_features_daily')
    ~ ' or ' ~ is_untested('as_of_date', 'main.churn_labels')
    ~ ' or ' ~ is_untested('as_of_date', 'main.training_dataset') %}

with features as (
    select * from {{ ref('user_features_daily') }}
    where {{ untested }}
),

labels as (
    select * from {{ ref('churn_labels') }}
    where {{ untested }}
),

training as (
    select * from {{ ref('training_dataset') }}
    where {{ untested }}
),

-- A user's first active day; before it the days since the last activity count from the signup.
first_active_days as (
    select
        user_daily.user_id,
        min(case when user_daily.is_active_day = 1 then user_daily.as_of_date end)
            as first_active_day
    from {{ ref('user_daily') }} as user_daily
    group by user_daily.user_id
),

expected as (
    select
        labels.user_id,
        labels.as_of_date,
        labels.churn_label
    from labels
    inner join features
        on
            labels.user_id = features.user_id
            and labels.as_of_date = features.as_of_date
    inner join first_active_days on features.user_id = first_active_days.user_id
    where
        (
            first_active_days.first_active_day <= features.as_of_date
            and features.days_since_last_activity < {{ var('eligible_within_days') }}
        )
        or {{ 'true' if var('include_inactive_users') else 'false' }}
)

select
    expected.user_id as expected_user_id,
    expected.as_of_date as expected_as_of_date,
    training.user_id as training_user_id,
    training.as_of_date as training_as_of_date
from expected
full outer join training
    on
        expected.user_id = training.user_id
        and expected.as_of_date = training.as_of_date
where
    expected.user_id is null
    or training.user_id is null
    or expected.churn_label != training.churn_label
