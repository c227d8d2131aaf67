-- What only the simulator knows, and what lies after as_of_date, is in no mart; future_active_days
-- belongs to churn_labels alone.
{%- set marts = [
    ref('user_daily'), ref('user_features_daily'), ref('churn_labels'), ref('training_dataset'),
    ref('training_splits'), ref('scoring_dataset'), ref('stg_users'), ref('stg_events'),
] %}

with columns_found as (
    {%- for mart in marts %}
    {%- for column in columns_of(mart) %}
    select
        '{{ mart.identifier }}' as table_name,
        '{{ column | lower }}' as column_name
    union all
    {%- endfor %}
    {%- endfor %}
    select
        '' as table_name,
        '' as column_name
)

select
    columns_found.table_name,
    columns_found.column_name
from columns_found
where
    columns_found.column_name in (
        'engagement_score', 'churn_date', 'churn_probability', 'treatment_group'
    )
    or (
        columns_found.column_name like 'future%'
        and not (
            columns_found.table_name = 'churn_labels'
            and columns_found.column_name = 'future_active_days'
        )
    )
    or (
        columns_found.column_name = 'churn_label'
        and columns_found.table_name not in ('churn_labels', 'training_dataset')
    )
