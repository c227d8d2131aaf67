-- How many of the users who signed up in a month are still active later?
-- One row per month of signup. day_30 is the share of its users with an active day 30 to 59 days
-- after their own signup, and so on. Empty where those days are not observed of every user of the
-- month, since they lie before the first day or after the last: unknown, not 0. users is how many
-- signed up.
{%- set period_days = 30 %}
with user_daily as (
    select * from {{ ref('user_daily') }}
),

user_periods as (
    select
        user_daily.user_id,
        cast(date_trunc('month', user_daily.signup_date) as date) as signup_month,
        user_daily.days_since_signup // {{ period_days }} as period,
        max(user_daily.is_active_day) as was_active,
        count(*) as observed_days
    from user_daily
    group by user_daily.user_id, user_daily.signup_date, period
),

cohorts as (
    select
        user_periods.signup_month,
        count(distinct user_periods.user_id) as users
    from user_periods
    group by user_periods.signup_month
),

retention as (
    select
        user_periods.signup_month,
        user_periods.period,
        count(*) as observed_users,
        round(avg(user_periods.was_active), 3) as active_share
    from user_periods
    where user_periods.observed_days = {{ period_days }}
    group by user_periods.signup_month, user_periods.period
)

select
    cohorts.signup_month,
    {%- for period in range(8) %}
    max(case when retention.period = {{ period }} then retention.active_share end)
        as day_{{ period * period_days }},
    {%- endfor %}
    cohorts.users
from cohorts
left join retention
    on
        cohorts.signup_month = retention.signup_month
        and cohorts.users = retention.observed_users
group by cohorts.signup_month, cohorts.users
order by cohorts.signup_month
