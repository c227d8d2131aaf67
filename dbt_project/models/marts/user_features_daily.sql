{{ incremental_mart() }}

{#-
    user_daily has a row for every day, so the row some rows before is the day some days before:
    the sum of a week is the day plus its six lags, and longer windows are weeks and their lags,
    30 days = 4 weeks + the 2 days before them. Lags cost a fraction of what sums over frames do.
-#}
{%- set measures = [
    'active_and_all_events', 'logins_and_enrolments', 'quiz_attempts_and_scores',
    'payments_succeeded_and_failed', 'support_tickets', 'watch_minutes_scaled',
    'quiz_scores_scaled',
] -%}
{#- Redoing a day takes the 30 days before it; a row more on either side changes nothing. -#}
{%- set first_row = minus_days(first_outdated_day(), 30) if is_incremental() -%}

with users as (
    select * from {{ ref('stg_users') }}
),

{% if is_incremental() %}
outdated as (
    {{ outdated_users() | indent(4) }}
),

{% endif %}
user_daily as (
    select user_daily.*
    from {{ ref('user_daily') }} as user_daily
    {% if is_incremental() %}
    inner join outdated on user_daily.user_id = outdated.user_id
    where user_daily.as_of_date >= {{ first_row }}
    {% endif %}
),

events as (
    select * from {{ ref('stg_events') }}
),

-- The mean over a window is not a mean of daily means, so it needs the day's sum and count.
quiz_scores_per_day as (
    select
        events.user_id,
        events.event_date as as_of_date,
        count(*) as quiz_scores_count,
        cast(sum({{ scaled('events.quiz_score') }}) as bigint) as quiz_scores_scaled
    from events
    where
        events.event_type = 'quiz_attempt'
        and events.quiz_score is not null
        and {{ 'events.event_date >= ' ~ first_row if is_incremental() else 'true' }}
    group by
        events.user_id,
        events.event_date
),

measures as (
    select
        user_daily.user_id,
        user_daily.as_of_date,
        user_daily.days_since_signup,
        user_daily.is_active_day,
        user_daily.total_events,
        user_daily.logins_count,
        user_daily.enroll_count,
        user_daily.watch_minutes_sum,
        user_daily.quiz_attempts_count,
        user_daily.quiz_avg_score,
        user_daily.payment_success_count,
        user_daily.payment_failed_count,
        user_daily.support_ticket_count,
        user_daily.video_watch_count,
        user_daily.amount_paid_sum,
        {{ packed_pair('user_daily.is_active_day', 'user_daily.total_events') }}
            as active_and_all_events,
        {{ packed_pair('user_daily.logins_count', 'user_daily.enroll_count') }}
            as logins_and_enrolments,
        {{ packed_pair(
            'user_daily.quiz_attempts_count',
            'coalesce(quiz_scores_per_day.quiz_scores_count, 0)'
        ) }} as quiz_attempts_and_scores,
        {{ packed_pair('user_daily.payment_success_count', 'user_daily.payment_failed_count') }}
            as payments_succeeded_and_failed,
        user_daily.support_ticket_count as support_tickets,
        {{ scaled('user_daily.watch_minutes_sum') }} as watch_minutes_scaled,
        coalesce(quiz_scores_per_day.quiz_scores_scaled, 0) as quiz_scores_scaled,
        case when user_daily.is_active_day = 1 then user_daily.days_since_signup end
            as active_days_since_signup
    from user_daily
    left join quiz_scores_per_day
        on
            user_daily.user_id = quiz_scores_per_day.user_id
            and user_daily.as_of_date = quiz_scores_per_day.as_of_date
),

{% if is_incremental() %}
earlier_activity as (
    select
        user_daily.user_id,
        max(user_daily.days_since_signup) as latest_active_day
    from {{ ref('user_daily') }} as user_daily
    where
        user_daily.is_active_day = 1
        and user_daily.as_of_date < {{ first_row }}
    group by user_daily.user_id
),

{% endif %}
weeks as (
    select
        measures.*,
        {%- for measure in measures %}
        measures.{{ measure }}
        + lag(measures.{{ measure }}, 1, 0) over user_days as {{ measure }}_2d,
        measures.{{ measure }}
        {%- for days in range(1, 7) %}
        + lag(measures.{{ measure }}, {{ days }}, 0) over user_days
        {%- endfor %} as {{ measure }}_7d,
        {%- endfor %}
        max(measures.active_days_since_signup) over (
            partition by measures.user_id
            order by measures.as_of_date
            rows between unbounded preceding and current row
        ) as latest_active_day
    from measures
    window user_days as (partition by measures.user_id order by measures.as_of_date)
),

earlier_weeks as (
    select
        {%- for measure in measures %}
        {%- for days in [7, 14, 21] %}
        lag(weeks.{{ measure }}_7d, {{ days }}, 0) over user_days
            as {{ measure }}_7d_{{ days }}_ago,
        {%- endfor %}
        lag(weeks.{{ measure }}_2d, 28, 0) over user_days as {{ measure }}_2d_28_ago,
        {%- endfor %}
        weeks.*
    from weeks
    window user_days as (partition by weeks.user_id order by weeks.as_of_date)
),

rolling as (
    select
        {%- for measure in measures %}
        earlier_weeks.{{ measure }}_7d + earlier_weeks.{{ measure }}_7d_7_ago as {{ measure }}_14d,
        earlier_weeks.{{ measure }}_7d + earlier_weeks.{{ measure }}_7d_7_ago
        + earlier_weeks.{{ measure }}_7d_14_ago + earlier_weeks.{{ measure }}_7d_21_ago
        + earlier_weeks.{{ measure }}_2d_28_ago as {{ measure }}_30d,
        {%- endfor %}
        earlier_weeks.*
    from earlier_weeks
),

final as (
    select
        rolling.user_id,
        rolling.as_of_date,
        users.signup_date,
        rolling.days_since_signup,
        users.plan,
        users.is_paid,
        users.country,
        users.marketing_source,
        rolling.is_active_day,
        rolling.total_events,
        rolling.logins_count,
        rolling.enroll_count,
        rolling.watch_minutes_sum,
        rolling.quiz_attempts_count,
        rolling.quiz_avg_score,
        rolling.payment_success_count,
        rolling.payment_failed_count,
        rolling.support_ticket_count,
        rolling.video_watch_count,
        rolling.amount_paid_sum,
        {%- for days in [7, 14, 30] %}
        {%- set active_and_all = 'rolling.active_and_all_events_' ~ days ~ 'd' %}
        {%- set logins_and_enrolments = 'rolling.logins_and_enrolments_' ~ days ~ 'd' %}
        {%- set payments = 'rolling.payments_succeeded_and_failed_' ~ days ~ 'd' %}
        {%- set attempts_and_scores = 'rolling.quiz_attempts_and_scores_' ~ days ~ 'd' %}
        {{ high_of_pair(active_and_all) }} as active_days_{{ days }}d,
        {{ low_of_pair(active_and_all) }} as events_{{ days }}d,
        {{ high_of_pair(logins_and_enrolments) }} as logins_{{ days }}d,
        {{ low_of_pair(logins_and_enrolments) }} as enroll_{{ days }}d,
        {{ unscaled('rolling.watch_minutes_scaled_' ~ days ~ 'd') }} as watch_minutes_{{ days }}d,
        {{ high_of_pair(attempts_and_scores) }} as quiz_attempts_{{ days }}d,
        {{ unscaled_mean(
            'rolling.quiz_scores_scaled_' ~ days ~ 'd', low_of_pair(attempts_and_scores)
        ) }} as quiz_avg_score_{{ days }}d,
        {{ high_of_pair(payments) }} as payment_success_{{ days }}d,
        {{ low_of_pair(payments) }} as payment_failed_{{ days }}d,
        cast(rolling.support_tickets_{{ days }}d as integer) as support_ticket_{{ days }}d,
        {%- endfor %}
        {%- set payments = 'rolling.payments_succeeded_and_failed_30d' %}
        coalesce(
            cast({{ low_of_pair(payments) }} as double)
            / nullif({{ high_of_pair(payments) }} + {{ low_of_pair(payments) }}, 0),
            0
        ) as payment_fail_rate_30d,
        rolling.days_since_signup - coalesce(
            rolling.latest_active_day,
            {{ 'earlier_activity.latest_active_day,' if is_incremental() }}
            0
        ) as days_since_last_activity
    from rolling
    inner join users on rolling.user_id = users.user_id
    {% if is_incremental() %}
    left join earlier_activity on rolling.user_id = earlier_activity.user_id
    inner join outdated
        on
            rolling.user_id = outdated.user_id
            and rolling.as_of_date >= outdated.first_day
    {% endif %}
)

select {{ whole_days() }} * from final
