-- The attributes of each user-day are those of raw.users, every one from the column of its name,
-- and as_of_date is days_since_signup days after the signup.
with user_daily as (
    select * from {{ ref('user_daily') }}
),

users as (
    select * from {{ source('raw', 'users') }}
)

select
    user_daily.user_id,
    user_daily.as_of_date
from user_daily
inner join users on user_daily.user_id = users.user_id
where (
    user_daily.signup_date != users.signup_date
    or user_daily.plan != users.plan
    or user_daily.is_paid != users.is_paid
    or user_daily.country != users.country
    or user_daily.marketing_source != users.marketing_source
    or user_daily.as_of_date
    != cast(users.signup_date + user_daily.days_since_signup * interval '1' day as date)
)
and (
    {{ is_untested('user_daily.as_of_date', 'main.user_daily') }}
    or {{ is_untested('user_daily.as_of_date', 'raw.users') }}
)
