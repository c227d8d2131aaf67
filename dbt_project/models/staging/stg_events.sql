{{ staging_view() }}

with events as (
    select * from {{ source('raw', 'events') }}
)

select
    cast(events.event_id as bigint) as event_id,
    cast(events.user_id as integer) as user_id,
    cast(events.event_time as timestamp) as event_time,
    cast(events.event_type as string) as event_type,
    cast(events.event_date as date) as event_date,
    cast(events.course_name as string) as course_name,
    cast(events.watch_minutes as double) as watch_minutes,
    cast(events.quiz_score as double) as quiz_score,
    cast(events.amount as double) as amount
from events
