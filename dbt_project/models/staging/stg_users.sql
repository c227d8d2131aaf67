{{ staging_view() }}

with users as (
    select * from {{ source('raw', 'users') }}
)

select
    cast(users.user_id as integer) as user_id,
    cast(users.signup_date as date) as signup_date,
    cast(users.plan as string) as plan,
    cast(users.is_paid as integer) as is_paid,
    cast(users.country as string) as country,
    cast(users.marketing_source as string) as marketing_source
from users
