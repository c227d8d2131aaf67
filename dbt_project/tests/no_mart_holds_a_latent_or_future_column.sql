-- What only the simulator knows, and what lies after as_of_date, is in no mart; future_active_days
-- belongs to churn_labels alone, and the churn_date of activity_periods is an observed one.
{%- set names = ['stg_users', 'stg_user_changes', 'stg_events'] %}
{%- do names.extend(our_marts() | reject('in', history_marts()) | list) %}

with columns_found as (
    {%- for name in names %}
    {%- for column in columns_of(ref(name)) %}
    select
        '{{ name }}' as table_name,
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
    columns_found.column_name in ('engagement_score', 'churn_probability', 'treatment_group')
    or (
        columns_found.column_name = 'churn_date'
        and columns_found.table_name != 'activity_periods'
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
