{{ whole_mart() }}

{%- set window_days = var('label_window_days') -%}

with active_days as (
    select
        user_daily.user_id,
        user_daily.as_of_date,
        lag(user_daily.as_of_date) over user_days as previous_active_day,
        row_number() over user_days as day_number
    from {{ ref('user_daily') }} as user_daily
    where user_daily.is_active_day = 1
    window user_days as (partition by user_daily.user_id order by user_daily.as_of_date)
),

active_users as (
    select
        active_days.user_id,
        max(active_days.as_of_date) as last_active_day,
        count(*) as number_of_days
    from active_days
    group by active_days.user_id
),

observation_window as (
    select
        observation_window.first_day,
        {{ first_day_of_last_window('observation_window.last_day') }} as last_churn_day
    from {{ ref('int_observation_window') }} as observation_window
),

-- A period starts with the first active day, or after label_window_days or more days without one.
first_days as (
    select active_days.*
    from active_days
    where
        active_days.previous_active_day is null
        or {{ days_between('active_days.previous_active_day', 'active_days.as_of_date') }}
        > {{ window_days }}
),

-- It ends with the active day before the next one starts.
numbered_periods as (
    select
        first_days.*,
        row_number() over user_periods as period_number,
        lead(first_days.previous_active_day) over user_periods as last_active_day,
        lead(first_days.day_number) over user_periods as next_day_number
    from first_days
    window user_periods as (partition by first_days.user_id order by first_days.as_of_date)
),

periods as (
    select
        {{ small_relations('numbered_periods', 'active_users') }}
        numbered_periods.user_id,
        cast(numbered_periods.period_number as integer) as period_number,
        user_daily.signup_date,
        user_daily.plan,
        user_daily.country,
        user_daily.marketing_source,
        numbered_periods.as_of_date as period_start,
        coalesce(numbered_periods.last_active_day, active_users.last_active_day)
            as last_active_day,
        cast(
            coalesce(numbered_periods.next_day_number, active_users.number_of_days + 1)
            - numbered_periods.day_number as integer
        ) as active_days
    from numbered_periods
    inner join active_users on numbered_periods.user_id = active_users.user_id
    inner join {{ ref('user_daily') }} as user_daily
        on
            numbered_periods.user_id = user_daily.user_id
            and numbered_periods.as_of_date = user_daily.as_of_date
),

-- A churn is seen when the whole window of days without activity is.
ended_periods as (
    select
        periods.*,
        observation_window.first_day,
        observation_window.last_churn_day,
        case
            when {{ plus_days('periods.last_active_day', 1) }} <= observation_window.last_churn_day
                then {{ plus_days('periods.last_active_day', 1) }}
        end as churn_date
    from periods
    cross join observation_window
),

final as (
    select
        ended_periods.user_id,
        ended_periods.period_number,
        ended_periods.period_start,
        ended_periods.last_active_day,
        ended_periods.active_days,
        ended_periods.churn_date,
        case when ended_periods.churn_date is null then 0 else 1 end as churn_observed,
        case
            when ended_periods.period_start < ended_periods.last_churn_day
                then {{ days_between(
                    'ended_periods.period_start',
                    'coalesce(ended_periods.churn_date, ended_periods.last_churn_day)'
                ) }}
        end as duration_days,
        case
            when
                ended_periods.signup_date < ended_periods.first_day
                and ended_periods.period_start
                < {{ plus_days('ended_periods.first_day', window_days) }}
                then 1
            else 0
        end as started_before_window,
        ended_periods.plan,
        ended_periods.country,
        ended_periods.marketing_source
    from ended_periods
)

select * from final
