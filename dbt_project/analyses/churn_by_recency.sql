-- How does the risk of churn grow with the days since a user was last seen?
-- One row per range of days_since_last_activity, from days_away up to the next row; churn_rate is
-- the share of its user-days after which the user stayed away for a whole label window. At risk is
-- a range with at least twice the churn of all user-days.
with churn_by_recency as (
    {{ churn_by_recency() }}
)

select
    churn_by_recency.days_away,
    churn_by_recency.user_days,
    round(churn_by_recency.churn_rate, 3) as churn_rate,
    churn_by_recency.is_at_risk
from churn_by_recency
order by churn_by_recency.days_away
