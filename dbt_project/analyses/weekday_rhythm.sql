-- On which weekdays do users learn?
-- active_share is the share of the weekday's user-days that are active; the other two are means
-- over these active days.
with user_daily as (
    select * from {{ ref('user_daily') }}
)

select
    dayname(user_daily.as_of_date) as weekday,
    count(*) as user_days,
    round(avg(user_daily.is_active_day), 3) as active_share,
    round(avg(user_daily.total_events) filter (where user_daily.is_active_day = 1), 2)
        as events_per_active_day,
    round(
        avg({{ exact('user_daily.watch_minutes_sum') }})
        filter (where user_daily.is_active_day = 1),
        2
    ) as minutes_per_active_day
from user_daily
group by weekday, isodow(user_daily.as_of_date)
order by isodow(user_daily.as_of_date)
