-- Which signs announce a churn while the user is still active?
-- Among the active user-days of the training dataset: how often the user stayed away for a whole
-- label window afterwards, with the sign and without it, and how many times as often with it.
{%- set signs = {
    'failed payment in 30 days': 'features.payment_failed_30d > 0',
    'support ticket in 30 days': 'features.support_ticket_30d > 0',
    'last week under half the pace of 30 days':
        'features.active_days_7d * 60 < features.active_days_30d * 7',
} %}
with features as (
    select * from {{ ref('training_dataset') }}
),

signs as (
    {%- for sign, condition in signs.items() %}
    select
        '{{ sign }}' as sign,
        features.churn_label,
        {{ condition }} as is_there
    from features
    where features.is_active_day = 1
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

compared as (
    select
        signs.sign,
        count(case when signs.is_there then 1 end) as user_days,
        avg(case when signs.is_there then signs.churn_label end) as churn_rate,
        avg(case when not signs.is_there then signs.churn_label end) as churn_rate_without
    from signs
    group by signs.sign
)

select
    compared.sign,
    compared.user_days,
    round(compared.churn_rate, 4) as churn_rate,
    round(compared.churn_rate_without, 4) as churn_rate_without,
    round(compared.churn_rate / nullif(compared.churn_rate_without, 0), 1) as times_as_often
from compared
order by compared.sign
