-- The periods again, straight from the events: the days on which one starts and those on which one
-- ends are numbered apart, and each start belongs to the end of its number. The active days of days
-- that passed this test before, with the same events, are taken from user_daily, which is quicker.
{%- set window_days = var('label_window_days') %}
{#- Not by the macro of the models, which is tested here as well. -#}
{%- set engagement = var('engagement_event_types') | sort | join("', '") %}
{%- set is_untested_event = is_untested('events.event_date', 'raw.events')
    ~ ' or ' ~ is_untested('events.event_date', 'main.user_daily') %}
{%- set is_untested_day = is_untested_event
    | replace('events.event_date', 'user_daily.as_of_date') %}

with events as (
    select * from {{ ref('stg_events') }}
),

observation_window as (
    select * from {{ ref('int_observation_window') }}
),

periods as (
    select * from {{ ref('activity_periods') }}
),

active_days as (
    select
        events.user_id,
        events.event_date
    from events
    inner join observation_window
        on events.event_date between observation_window.first_day and observation_window.last_day
    where
        events.event_type in ('{{ engagement }}')
        and ({{ is_untested_event }})
    group by
        events.user_id,
        events.event_date
    union all
    select
        user_daily.user_id,
        user_daily.as_of_date as event_date
    from {{ ref('user_daily') }} as user_daily
    where
        user_daily.is_active_day = 1
        and not ({{ is_untested_day }})
),

neighbours as (
    select
        active_days.user_id,
        active_days.event_date,
        row_number() over user_days as day_number,
        lag(active_days.event_date) over user_days as day_before,
        lead(active_days.event_date) over user_days as day_after
    from active_days
    window user_days as (partition by active_days.user_id order by active_days.event_date)
),

first_days as (
    select
        neighbours.*,
        row_number() over (partition by neighbours.user_id order by neighbours.event_date)
            as period_number
    from neighbours
    where
        neighbours.day_before is null
        or {{ plus_days('neighbours.day_before', window_days) }} < neighbours.event_date
),

last_days as (
    select
        neighbours.*,
        row_number() over (partition by neighbours.user_id order by neighbours.event_date)
            as period_number
    from neighbours
    where
        neighbours.day_after is null
        or {{ plus_days('neighbours.event_date', window_days) }} < neighbours.day_after
),

recomputed as (
    select
        first_days.user_id,
        first_days.period_number,
        first_days.event_date as period_start,
        last_days.event_date as last_active_day,
        last_days.day_number - first_days.day_number + 1 as active_days,
        user_daily.plan,
        user_daily.country,
        user_daily.marketing_source,
        user_daily.signup_date < observation_window.first_day
        and {{ minus_days('first_days.event_date', window_days) }} < observation_window.first_day
            as started_before_window,
        {{ plus_days('last_days.event_date', window_days) }} <= observation_window.last_day
            as has_churned,
        {{ minus_days(plus_days('observation_window.last_day', 1), window_days) }}
            as day_of_censoring
    from first_days
    inner join last_days
        on
            first_days.user_id = last_days.user_id
            and first_days.period_number = last_days.period_number
    inner join {{ ref('user_daily') }} as user_daily
        on
            first_days.user_id = user_daily.user_id
            and first_days.event_date = user_daily.as_of_date
    cross join observation_window
),

ended as (
    select
        recomputed.*,
        case when recomputed.has_churned then {{ plus_days('recomputed.last_active_day', 1) }} end
            as churn_date,
        {{ days_between(
            'recomputed.period_start',
            'case when recomputed.has_churned then ' ~ plus_days('recomputed.last_active_day', 1)
            ~ ' else recomputed.day_of_censoring end'
        ) }} as days_observed
    from recomputed
)

select
    ended.user_id as expected_user_id,
    ended.period_number as expected_period_number,
    periods.user_id,
    periods.period_number
from ended
full outer join periods
    on
        ended.user_id = periods.user_id
        and ended.period_number = periods.period_number
where
    ended.user_id is null
    or periods.user_id is null
    {%- for column in [
        'period_start', 'last_active_day', 'active_days', 'churn_date', 'plan', 'country',
        'marketing_source',
    ] %}
    or ended.{{ column }} is distinct from periods.{{ column }}
    {%- endfor %}
    or periods.churn_observed != case when ended.has_churned then 1 else 0 end
    or periods.started_before_window != case when ended.started_before_window then 1 else 0 end
    or periods.duration_days is distinct from
    case when ended.days_observed > 0 then ended.days_observed end
