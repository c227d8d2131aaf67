{{ whole_mart() }}

with features as (
    select * from {{ ref('user_features_daily') }}
),

observation_window as (
    select * from {{ ref('int_observation_window') }}
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
        {{ feature_columns('features') | indent(4) }}
    from features
    inner join observation_window on features.as_of_date = observation_window.last_day
    left join first_active_days on features.user_id = first_active_days.user_id
    where
        {{ is_eligible('features', 'first_active_days.first_active_day') }}
)

select * from final
