-- The attributes of each user-day are those of the latest change up to that day, else those of
-- raw.users, every one from the column of its name, and as_of_date is days_since_signup days after
-- the signup.
with user_daily as (
    select * from {{ ref('user_daily') }}
    where
        {{ is_untested('as_of_date', 'main.user_daily') }}
        or {{ is_untested('as_of_date', 'raw.users') }}
        or {{ is_untested('as_of_date', 'raw.user_changes') }}
),

users as (
    select * from {{ source('raw', 'users') }}
),

changes as (
    select * from {{ source('raw', 'user_changes') }}
),

changed_user_days as (
    select
        user_daily.user_id,
        user_daily.as_of_date,
        max(changes.valid_from) as valid_from
    from user_daily
    inner join changes
        on user_daily.user_id = changes.user_id and user_daily.as_of_date >= changes.valid_from
    group by user_daily.user_id, user_daily.as_of_date
)

select
    user_daily.user_id,
    user_daily.as_of_date
from user_daily
inner join users on user_daily.user_id = users.user_id
left join changed_user_days
    on
        user_daily.user_id = changed_user_days.user_id
        and user_daily.as_of_date = changed_user_days.as_of_date
left join changes
    on
        changed_user_days.user_id = changes.user_id
        and changed_user_days.valid_from = changes.valid_from
where
    user_daily.signup_date != users.signup_date
    or user_daily.plan != coalesce(changes.plan, users.plan)
    or user_daily.is_paid != coalesce(changes.is_paid, users.is_paid)
    or user_daily.country != coalesce(changes.country, users.country)
    or user_daily.marketing_source != coalesce(changes.marketing_source, users.marketing_source)
    or user_daily.as_of_date
    != cast(users.signup_date + user_daily.days_since_signup * interval '1' day as date)
