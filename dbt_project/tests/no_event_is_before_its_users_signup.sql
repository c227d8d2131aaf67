-- An event before the signup would have no row of user_daily to be counted in.
with users as (
    select * from {{ source('raw', 'users') }}
),

events as (
    select * from {{ source('raw', 'events') }}
)

select
    events.event_id,
    events.user_id,
    events.event_date,
    users.signup_date
from events
inner join users on events.user_id = users.user_id
where
    events.event_date < users.signup_date
    and (
        {{ is_untested('events.event_date', 'raw.events') }}
        or {{ is_untested('events.event_date', 'raw.users') }}
    )
