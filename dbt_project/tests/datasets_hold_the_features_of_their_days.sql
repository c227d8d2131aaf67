-- Each row of training_dataset and scoring_dataset has the features of its user and its own day,
-- and scoring_dataset is of the last day: a run that left it out would leave yesterday's.
with features as (
    select * from {{ ref('user_features_daily') }}
),

{% for dataset in ['training_dataset', 'scoring_dataset'] -%}
{{ dataset }} as (
    select * from {{ ref(dataset) }}
),

{{ dataset }}_deviations as (
    select
        '{{ dataset }}' as dataset,
        {{ dataset }}.user_id,
        {{ dataset }}.as_of_date
    from {{ dataset }}
    left join features
        on
            {{ dataset }}.user_id = features.user_id
            and {{ dataset }}.as_of_date = features.as_of_date
    where
        features.user_id is null
        {%- for column in daily_columns() + window_columns() %}
        or {{ dataset }}.{{ column }} is distinct from features.{{ column }}
        {%- endfor %}
){{ ',' if not loop.last }}

{% endfor -%}
select * from training_dataset_deviations
union all
select * from scoring_dataset_deviations
union all
select
    'scoring_dataset' as dataset,
    scoring_dataset.user_id,
    scoring_dataset.as_of_date
from scoring_dataset
where scoring_dataset.as_of_date < (select max(features.as_of_date) from features)
