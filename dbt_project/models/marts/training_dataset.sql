with features as (
    select * from {{ ref('user_features_daily') }}
),

labels as (
    select * from {{ ref('churn_labels') }}
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

select * from final
