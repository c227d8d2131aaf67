-- How much revenue is at risk?
-- What the users of the paid plan paid in the last 30 days, by how they stand on the last day: at
-- risk when users last seen that long ago churned at least twice as often as all. Those away for so
-- long that they are not scored any more stand apart: what they still pay is the first to go.
-- Unknown where nothing is learnt of such a recency yet.
with user_daily as (
    select * from {{ ref('user_daily') }}
),

scoring_dataset as (
    select * from {{ ref('scoring_dataset') }}
),

churn_by_recency as (
    {{ churn_by_recency() }}
),

last_day as (
    select max(user_daily.as_of_date) as as_of_date
    from user_daily
),

payments as (
    select
        user_daily.user_id,
        {{ revenue('user_daily') }} as paid_30d
    from user_daily
    inner join last_day
        on user_daily.as_of_date > {{ minus_days('last_day.as_of_date', 30) }}
    group by user_daily.user_id
),

paid_users as (
    select
        payments.paid_30d,
        case
            when scoring_dataset.user_id is null then 'away for too long'
            when churn_by_recency.is_at_risk is null then 'unknown'
            when churn_by_recency.is_at_risk then 'at risk'
            else 'not at risk'
        end as standing
    from user_daily
    inner join last_day on user_daily.as_of_date = last_day.as_of_date
    inner join payments on user_daily.user_id = payments.user_id
    left join scoring_dataset on user_daily.user_id = scoring_dataset.user_id
    asof left join churn_by_recency
        on scoring_dataset.days_since_last_activity >= churn_by_recency.days_away
    where user_daily.is_paid = 1
)

select
    paid_users.standing,
    count(*) as users,
    round(sum(paid_users.paid_30d), 2) as paid_30d,
    round(sum(paid_users.paid_30d) / nullif(sum(sum(paid_users.paid_30d)) over (), 0), 3)
        as share_of_revenue
from paid_users
group by paid_users.standing
order by paid_users.standing
