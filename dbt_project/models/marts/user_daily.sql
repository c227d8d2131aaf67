{{ incremental_mart() }}

with users as (
    select {{ users_together() }} * from {{ ref('stg_users') }}
),

changes as (
    select
        user_changes.*,
        lead(user_changes.valid_from, 1, date '9999-12-31') over (
            partition by user_changes.user_id
            order by user_changes.valid_from
        ) as valid_before
    from {{ ref('stg_user_changes') }} as user_changes
),

first_changes as (
    select
        changes.user_id,
        min(changes.valid_from) as valid_from
    from changes
    group by changes.user_id
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

-- What raw.users says holds until the first change, and a change until the next one.
attribute_spans as (
    select
        observed_users.*,
        date '0001-01-01' as valid_from,
        coalesce(first_changes.valid_from, date '9999-12-31') as valid_before
    from observed_users
    left join first_changes on observed_users.user_id = first_changes.user_id
    union all
    select
        observed_users.user_id,
        observed_users.signup_date,
        changes.plan,
        changes.is_paid,
        changes.country,
        changes.marketing_source,
        observed_users.first_as_of_date,
        observed_users.last_as_of_date,
        changes.valid_from,
        changes.valid_before
    from observed_users
    inner join changes on observed_users.user_id = changes.user_id
),

user_days as (
    select
        attribute_spans.*,
        {{ each_day(
            'greatest(attribute_spans.first_as_of_date, attribute_spans.valid_from)',
            'least(attribute_spans.last_as_of_date, '
            ~ minus_days('attribute_spans.valid_before', 1) ~ ')'
        ) }} as as_of_date
    from attribute_spans
    where
        attribute_spans.valid_from <= attribute_spans.last_as_of_date
        and attribute_spans.valid_before > attribute_spans.first_as_of_date
),

final as (
    select
        {{ small_relations('events_per_day') }}
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
            and {{ day_as_key('user_days.as_of_date') }}
            = {{ day_as_key('events_per_day.as_of_date') }}
)

select * from final
