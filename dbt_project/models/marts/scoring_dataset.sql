{{ whole_mart() }}

with features as (
    select * from {{ ref('user_features_daily') }}
),

observation_window as (
    select * from {{ ref('int_observation_window') }}
),

final as (
    select
        {{ feature_columns('features') | indent(4) }}
    from features
    inner join observation_window on features.as_of_date = observation_window.last_day
    where {{ is_eligible('features') }}
)

select * from final
