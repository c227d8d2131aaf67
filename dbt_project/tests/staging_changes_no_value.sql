-- An engine whose casts do not fail gives null, or another number, for what does not fit: every
-- raw value is the same in the type that staging casts it to.
with users as (
    select * from {{ source('raw', 'users') }}
),

user_changes as (
    select * from {{ source('raw', 'user_changes') }}
),

events as (
    select * from {{ source('raw', 'events') }}
)

select
    'users' as table_name,
    users.user_id as row_key
from users
where {{ is_changed_by_staging('users') }}
union all
select
    'user_changes' as table_name,
    user_changes.user_id as row_key
from user_changes
where {{ is_changed_by_staging('user_changes') }}
union all
select
    'events' as table_name,
    events.event_id as row_key
from events
where
    ({{ is_changed_by_staging('events') }})
    and {{ is_untested('events.event_date', 'raw.events') }}
