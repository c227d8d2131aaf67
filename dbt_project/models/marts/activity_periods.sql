{{ whole_mart() }}

{%- set window_days = var('label_window_days') -%}

with active_days as (
    select
        user_daily.user_id,
        user_daily.as_of_date,
        user_daily.signup_date,
        user_daily.plan,
        user_daily.country,
        user_daily.marketing_source,
        lag(user_daily.as_of_date) over (
            partition by user_daily.user_id
            order by user_daily.as_of_date
        ) as previous_active_day
    from {{ ref('user_daily') }} as user_daily
    where user_daily.is_active_day = 1
),

observation_window as (
    select
        observation_window.first_day,
        {{ first_day_of_last_window('observation_window.last_day') }} as last_churn_day
    from {{ ref('int_observation_window') }} as observation_window
),

-- A period starts with the first active day, or after label_window_days or more days without one.
marked_days as (
    select
        active_days.*,
        case
            when
                {{ days_between('active_days.previous_active_day', 'active_days.as_of_date') }}
                <= {{ window_days }}
                then 0
            else 1
        end as starts_period
    from active_days
),

numbered_days as (
    select
        marked_days.*,
        cast(
            sum(marked_days.starts_period) over (
                partition by marked_days.user_id
                order by marked_days.as_of_date
                rows between unbounded preceding and current row
            ) as integer
        ) as period_number
    from marked_days
),

periods as (
    select
        numbered_days.user_id,
        numbered_days.period_number,
        numbered_days.signup_date,
        {%- for attribute in ['plan', 'country', 'marketing_source'] %}
        max(case when numbered_days.starts_period = 1 then numbered_days.{{ attribute }} end)
            as {{ attribute }},
        {%- endfor %}
        min(numbered_days.as_of_date) as period_start,
        max(numbered_days.as_of_date) as last_active_day,
        cast(count(*) as integer) as active_days
    from numbered_days
    group by
        numbered_days.user_id,
        numbered_days.period_number,
        numbered_days.signup_date
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
