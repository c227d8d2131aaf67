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

final as (
    select
        {{ feature_columns('features') | indent(4) }},
        labels.churn_label
    from features
    inner join labels
        on
            features.user_id = labels.user_id
            and features.as_of_date = labels.as_of_date
    where {{ is_eligible('features') }}
)

select {{ whole_days() }} * from final
