{{ incremental_mart() }}

with {% if is_incremental() -%}
outdated as (
    {{ outdated_users() | indent(4) }}
),

{% endif -%}
features as (
    select features.*
    from {{ ref('user_features_daily') }} as features
    {% if is_incremental() %}
    inner join outdated
        on
            features.user_id = outdated.user_id
            and features.as_of_date >= outdated.first_day
    where features.as_of_date >= {{ first_outdated_day() }}
    {% endif %}
),

labels as (
    select * from {{ ref('churn_labels') }}
    {% if is_incremental() %}
    where as_of_date >= {{ first_outdated_day() }}
    {% endif %}
),

first_active_days as (
    select
        user_daily.user_id,
        min(user_daily.as_of_date) as first_active_day
    from {{ ref('user_daily') }} as user_daily
    where user_daily.is_active_day = 1
    group by user_daily.user_id
),

final as (
    select
        {{ small_relations('labels', 'first_active_days') }}
        {{ feature_columns('features') | indent(4) }},
        labels.churn_label
    from features
    inner join labels
        on
            features.user_id = labels.user_id
            and {{ day_as_key('features.as_of_date') }} = {{ day_as_key('labels.as_of_date') }}
    left join first_active_days on features.user_id = first_active_days.user_id
    where
        {{ is_eligible('features', 'first_active_days.first_active_day') }}
)

select * from final
