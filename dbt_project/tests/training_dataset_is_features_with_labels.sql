-- training_dataset has the labelled user-days of eligible users, all of them, with their label.
with features as (
    select * from {{ ref('user_features_daily') }}
),

labels as (
    select * from {{ ref('churn_labels') }}
),

training as (
    select * from {{ ref('training_dataset') }}
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
    where
        features.active_days_30d > 0
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
