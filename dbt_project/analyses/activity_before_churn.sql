-- What do users do in the weeks before they churn?
-- Means per user in each of the eight weeks up to the last active day, week 1 being the one that
-- ends with it: of users who have churned, and beside them (_stayed) of those who have not, up to
-- their own last active day. Only weeks that are observed whole.
{%- set measures = {
    'active_days': 'user_daily.is_active_day',
    'watch_minutes': exact('user_daily.watch_minutes_sum'),
    'failed_payments': 'user_daily.payment_failed_count',
    'tickets': 'user_daily.support_ticket_count',
} %}
with user_daily as (
    select * from {{ ref('user_daily') }}
),

observed_users as (
    {{ observed_users() }}
),

user_weeks as (
    select
        user_daily.user_id,
        observed_users.has_churned,
        {%- for name, measure in measures.items() %}
        sum({{ measure }}) as {{ name }},
        {%- endfor %}
        {{ days_between('user_daily.as_of_date', 'observed_users.last_active_day') }} // 7 + 1
            as weeks_before
    from user_daily
    inner join observed_users
        on
            user_daily.user_id = observed_users.user_id
            and user_daily.as_of_date <= observed_users.last_active_day
    group by user_daily.user_id, observed_users.has_churned, weeks_before
    having count(*) = 7
)

select
    user_weeks.weeks_before,
    {%- for name in measures %}
    round(avg(case when user_weeks.has_churned = 1 then user_weeks.{{ name }} end), 2)
        as {{ name }},
    round(avg(case when user_weeks.has_churned = 0 then user_weeks.{{ name }} end), 2)
        as {{ name }}_stayed,
    {%- endfor %}
    count(case when user_weeks.has_churned = 1 then 1 end) as users,
    count(case when user_weeks.has_churned = 0 then 1 end) as users_stayed
from user_weeks
where user_weeks.weeks_before <= 8
group by user_weeks.weeks_before
order by user_weeks.weeks_before desc
