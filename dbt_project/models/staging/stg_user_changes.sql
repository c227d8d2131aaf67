{{ staging_view() }}

with user_changes as (
    select * from {{ source('raw', 'user_changes') }}
)

select
    cast(user_changes.user_id as integer) as user_id,
    cast(user_changes.valid_from as date) as valid_from,
    cast(user_changes.plan as string) as plan,
    cast(user_changes.is_paid as integer) as is_paid,
    cast(user_changes.country as string) as country,
    cast(user_changes.marketing_source as string) as marketing_source
from user_changes
