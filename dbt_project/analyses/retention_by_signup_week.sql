-- How many of the users who signed up in a week are active in the weeks after it?
-- Weeks are those from Monday. retention is the share of the users of a signup week who are active
-- on at least one day of a later week; weeks that are not observed whole are left out, the signup
-- week itself among them, as most of its users were not there on its first day.
with user_weeks as (
    select
        user_daily.*,
        {{ week_of('user_daily.signup_date') }} as signup_week,
        {{ week_of('user_daily.as_of_date') }} as week
    from {{ ref('user_daily') }} as user_daily
)

select
    user_weeks.signup_week,
    {{ days_between('user_weeks.signup_week', 'user_weeks.week') }} // 7 as weeks_since_signup,
    count(distinct user_weeks.user_id) as users,
    round({{ retention('user_weeks') }}, 3) as retention
from user_weeks
where user_weeks.signup_week < user_weeks.week
group by user_weeks.signup_week, user_weeks.week
having {{ is_whole_week('user_weeks.as_of_date') }}
order by user_weeks.signup_week, user_weeks.week
