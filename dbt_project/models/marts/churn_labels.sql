{{ incremental_mart() }}

with {% if is_incremental() -%}
outdated as (
    {{ outdated_users() | indent(4) }}
),

{% endif -%}
user_daily as (
    select user_daily.*
    from {{ ref('user_daily') }} as user_daily
    {% if is_incremental() %}
    inner join outdated
        on
            user_daily.user_id = outdated.user_id
            and user_daily.as_of_date >= outdated.first_day
    {% endif %}
),

observation_window as (
    select * from {{ ref('int_observation_window') }}
),

active_days_so_far as (
    select
        user_daily.user_id,
        user_daily.as_of_date,
        cast(
            sum(user_daily.is_active_day) over (
                partition by user_daily.user_id
                order by user_daily.as_of_date
                rows between unbounded preceding and current row
            ) as integer
        ) as active_days
    from user_daily
),

active_days_ahead as (
    select
        active_days_so_far.user_id,
        active_days_so_far.as_of_date,
        lead(active_days_so_far.active_days, {{ label_reach_days() }}) over user_days
        - lead(active_days_so_far.active_days, {{ label_gap_days() }}) over user_days
            as future_active_days
    from active_days_so_far
    window user_days as (
        partition by active_days_so_far.user_id
        order by active_days_so_far.as_of_date
    )
),

final as (
    select
        active_days_ahead.user_id,
        active_days_ahead.as_of_date,
        active_days_ahead.future_active_days,
        case when active_days_ahead.future_active_days = 0 then 1 else 0 end as churn_label
    from active_days_ahead
    inner join observation_window
        on active_days_ahead.as_of_date <= observation_window.last_labelled_day
)

select * from final
