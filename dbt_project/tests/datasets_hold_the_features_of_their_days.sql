-- Each row of training_dataset and scoring_dataset has the features of its user and its own day,
-- and scoring_dataset has the eligible users of the last day, all of them: a run that left it out
-- would leave yesterday's.
{%- set untested = {
    'training_dataset': is_untested('as_of_date', 'main.training_dataset')
    ~ ' or ' ~ is_untested('as_of_date', 'main.user_features_daily'),
    'scoring_dataset': 'as_of_date in (select as_of_date from ' ~ ref('scoring_dataset') ~ ')',
} %}
{%- set features = as_one_value(daily_columns() + window_columns()) %}

with {% for dataset in ['training_dataset', 'scoring_dataset'] -%}
{{ dataset }} as (
    select
        user_id,
        as_of_date,
        {{ features }} as features
    from {{ ref(dataset) }}
    where {{ untested[dataset] }}
),

features_of_{{ dataset }} as (
    select
        user_id,
        as_of_date,
        {{ features }} as features
    from {{ ref('user_features_daily') }}
    where {{ untested[dataset] }}
),

{{ dataset }}_deviations as (
    select
        '{{ dataset }}' as dataset,
        {{ dataset }}.user_id,
        {{ dataset }}.as_of_date
    from {{ dataset }}
    left join features_of_{{ dataset }} as its_features
        on
            {{ dataset }}.user_id = its_features.user_id
            and {{ dataset }}.as_of_date = its_features.as_of_date
    where
        its_features.user_id is null
        or {{ dataset }}.features is distinct from its_features.features
),

{% endfor -%}
-- A user's first active day; before it the days since the last activity count from the signup.
first_active_days as (
    select
        user_daily.user_id,
        min(case when user_daily.is_active_day = 1 then user_daily.as_of_date end)
            as first_active_day
    from {{ ref('user_daily') }} as user_daily
    group by user_daily.user_id
),

eligible_users as (
    select
        features.user_id,
        features.as_of_date
    from {{ ref('user_features_daily') }} as features
    inner join first_active_days on features.user_id = first_active_days.user_id
    where
        features.as_of_date = (
            select max(latest.as_of_date) from {{ ref('user_features_daily') }} as latest
        )
        and (
            (
                first_active_days.first_active_day <= features.as_of_date
                and features.days_since_last_activity < {{ var('eligible_within_days') }}
            )
            or {{ 'true' if var('include_inactive_users') else 'false' }}
        )
)

select * from training_dataset_deviations
union all
select * from scoring_dataset_deviations
union all
select
    'scoring_dataset' as dataset,
    coalesce(eligible_users.user_id, scoring_dataset.user_id) as user_id,
    coalesce(eligible_users.as_of_date, scoring_dataset.as_of_date) as as_of_date
from eligible_users
full outer join scoring_dataset
    on
        eligible_users.user_id = scoring_dataset.user_id
        and eligible_users.as_of_date = scoring_dataset.as_of_date
where
    eligible_users.user_id is null
    or scoring_dataset.user_id is null
