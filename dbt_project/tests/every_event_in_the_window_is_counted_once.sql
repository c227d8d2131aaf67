-- Every raw event whose date lies in the observation window is in exactly one row of user_daily.
with events as (
    select * from {{ source('raw', 'events') }}
),

user_daily as (
    select * from {{ ref('user_daily') }}
),

observation_window as (
    select * from {{ ref('int_observation_window') }}
),

events_in_the_window as (
    select count(*) as number_of_events
    from events
    inner join observation_window
        on events.event_date between observation_window.first_day and observation_window.last_day
),

events_counted as (
    select coalesce(sum(user_daily.total_events), 0) as number_of_events
    from user_daily
)

select
    events_in_the_window.number_of_events as events_in_the_window,
    events_counted.number_of_events as events_counted
from events_in_the_window
cross join events_counted
where events_in_the_window.number_of_events != events_counted.number_of_events
