{#- Not from int_observation_window, whose ends are tested here as well. -#}
{%- set first_day, last_day = var('first_day'), var('last_day') -%}

-- user_daily has the user-days of the observation window, no more and no fewer: with a unique key,
-- days in bounds and the right number of rows for each user, no day can be missing.
with users as (
    select * from {{ ref('stg_users') }}
),

user_daily as (
    select * from {{ ref('user_daily') }}
),

events as (
    select * from {{ ref('stg_events') }}
),

observation_window as (
    select
        {{ "cast('" ~ first_day ~ "' as date)" if first_day else 'min(events.event_date)' }}
            as first_day,
        {{ "cast('" ~ last_day ~ "' as date)" if last_day else 'max(events.event_date)' }}
            as last_day
    from events
    having count(*) > 0
),

expected_spans as (
    select
        users.user_id,
        greatest(users.signup_date, observation_window.first_day) as first_as_of_date,
        observation_window.last_day as last_as_of_date
    from users
    inner join observation_window
        on
            users.signup_date <= observation_window.last_day
            and observation_window.first_day <= observation_window.last_day
),

actual_spans as (
    select
        user_daily.user_id,
        min(user_daily.as_of_date) as first_as_of_date,
        max(user_daily.as_of_date) as last_as_of_date,
        count(*) as number_of_days
    from user_daily
    group by user_daily.user_id
)

select
    expected_spans.user_id as expected_user_id,
    actual_spans.user_id as actual_user_id,
    actual_spans.number_of_days
from expected_spans
full outer join actual_spans on expected_spans.user_id = actual_spans.user_id
where
    expected_spans.user_id is null
    or actual_spans.user_id is null
    or expected_spans.first_as_of_date != actual_spans.first_as_of_date
    or expected_spans.last_as_of_date != actual_spans.last_as_of_date
    or actual_spans.number_of_days
    != {{ days_between('expected_spans.first_as_of_date', 'expected_spans.last_as_of_date') }} + 1
