-- user_features_daily has the keys of user_daily, and its daily columns say the same.
{%- set untested = is_untested('as_of_date', 'main.user_daily')
    ~ ' or ' ~ is_untested('as_of_date', 'main.user_features_daily') %}
{%- set columns = as_one_value(daily_columns()) %}

with user_daily as (
    select
        user_id,
        as_of_date,
        {{ columns }} as daily_columns
    from {{ ref('user_daily') }}
    where {{ untested }}
),

features as (
    select
        user_id,
        as_of_date,
        {{ columns }} as daily_columns
    from {{ ref('user_features_daily') }}
    where {{ untested }}
)

select
    user_daily.user_id as daily_user_id,
    user_daily.as_of_date as daily_as_of_date,
    features.user_id as features_user_id,
    features.as_of_date as features_as_of_date
from user_daily
full outer join features
    on
        user_daily.user_id = features.user_id
        and user_daily.as_of_date = features.as_of_date
where
    user_daily.user_id is null
    or features.user_id is null
    or user_daily.daily_columns is distinct from features.daily_columns
