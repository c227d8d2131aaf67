-- Who is at risk today?
-- The eligible users of the last day who were last seen so long ago that users like them churned
-- at least twice as often as all; churn_rate is how often. The most endangered come first.
with scoring_dataset as (
    select * from {{ ref('scoring_dataset') }}
),

churn_by_recency as (
    {{ churn_by_recency() }}
)

select
    scoring_dataset.user_id,
    scoring_dataset.plan,
    scoring_dataset.country,
    scoring_dataset.days_since_last_activity,
    scoring_dataset.active_days_7d,
    scoring_dataset.active_days_30d,
    round(churn_by_recency.churn_rate, 3) as churn_rate
from scoring_dataset
asof join churn_by_recency
    on scoring_dataset.days_since_last_activity >= churn_by_recency.days_away
where churn_by_recency.is_at_risk
order by
    churn_by_recency.churn_rate desc,
    scoring_dataset.days_since_last_activity desc,
    scoring_dataset.active_days_30d asc,
    scoring_dataset.user_id asc
