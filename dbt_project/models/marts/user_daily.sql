{{ incremental_mart() }}

with users as (
    select * from {{ ref('stg_users') }}
),

events_per_day as (
    select * from {{ ref('int_events_per_day') }}
    {% if is_incremental() %}
    where as_of_date >= {{ first_outdated_day() }}
    {% endif %}
),

{% if is_incremental() %}
outdated as (
    {{ outdated_users() | indent(4) }}
),

{% endif %}

observation_window as (
    select * from {{ ref('int_observation_window') }}
),

observed_users as (
    select
        users.*,
        greatest(
            users.signup_date,
            observation_window.first_day{{ ', outdated.first_day' if is_incremental() }}
        ) as first_as_of_date,
        observation_window.last_day as last_as_of_date
    from users
    cross join observation_window
    {% if is_incremental() %}
    inner join outdated
        on
            users.user_id = outdated.user_id
            and observation_window.last_day >= outdated.first_day
    {% endif %}
    where
        users.signup_date <= observation_window.last_day
        and observation_window.first_day <= observation_window.last_day
),

user_days as (
    select
        observed_users.*,
        {{ each_day('observed_users.first_as_of_date', 'observed_users.last_as_of_date') }}
            as as_of_date
    from observed_users
),

final as (
    select
        user_days.user_id,
        user_days.as_of_date,
        user_days.signup_date,
        {{ days_between('user_days.signup_date', 'user_days.as_of_date') }} as days_since_signup,
        user_days.plan,
        user_days.is_paid,
        user_days.country,
        user_days.marketing_source,
        coalesce(events_per_day.is_active_day, 0) as is_active_day,
        coalesce(events_per_day.total_events, 0) as total_events,
        coalesce(events_per_day.logins_count, 0) as logins_count,
        coalesce(events_per_day.enroll_count, 0) as enroll_count,
        {{ unscaled('coalesce(events_per_day.watch_minutes_scaled, 0)') }} as watch_minutes_sum,
        coalesce(events_per_day.quiz_attempts_count, 0) as quiz_attempts_count,
        {{ unscaled_mean('events_per_day.quiz_scores_scaled', 'events_per_day.quiz_scores_count') }}
            as quiz_avg_score,
        coalesce(events_per_day.payment_success_count, 0) as payment_success_count,
        coalesce(events_per_day.payment_failed_count, 0) as payment_failed_count,
        coalesce(events_per_day.support_ticket_count, 0) as support_ticket_count,
        coalesce(events_per_day.video_watch_count, 0) as video_watch_count,
        {{ unscaled('coalesce(events_per_day.amount_paid_scaled, 0)') }} as amount_paid_sum
    from user_days
    left join events_per_day
        on
            user_days.user_id = events_per_day.user_id
            and user_days.as_of_date = events_per_day.as_of_date
)

select {{ whole_days() }} * from final
