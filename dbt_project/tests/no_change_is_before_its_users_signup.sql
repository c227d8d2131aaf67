-- What a user is from the signup on stands in raw.users; every change is of a later day.
with users as (
    select * from {{ source('raw', 'users') }}
),

changes as (
    select * from {{ source('raw', 'user_changes') }}
)

select
    changes.user_id,
    changes.valid_from,
    users.signup_date
from changes
inner join users on changes.user_id = users.user_id
where changes.valid_from <= users.signup_date
