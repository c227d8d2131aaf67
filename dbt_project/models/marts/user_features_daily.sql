{{ incremental_mart() }}

{#-
    user_daily has a row for every day, so the row some rows before is the day some days before:
    the sum over a window is a running total less the one from before the window. Lags cost a
    fraction of what sums over frames do.
-#}
{%- set windows = [7, 14, 30] -%}
{%- set measures = [
    'active_and_all_events', 'logins_and_enrolments', 'quiz_attempts_and_scores',
    'payments_succeeded_and_failed', 'support_tickets', 'watch_minutes_scaled',
    'quiz_scores_scaled',
] -%}
{#- Redoing a day takes the 30 days before it; a row more on either side changes nothing. -#}
{%- set first_row = minus_days(first_outdated_day(), 30) if is_incremental() -%}

with {% if is_incremental() -%}
outdated as (
    {{ outdated_users() | indent(4) }}
),

{% endif -%}
user_daily as (
    select user_daily.*
    from {{ ref('user_daily') }} as user_daily
    {% if is_incremental() %}
    inner join outdated on user_daily.user_id = outdated.user_id
    where user_daily.as_of_date >= {{ first_row }}
    {% endif %}
),

-- The mean over a window is not a mean of daily means, so it needs the day's sum and count.
quiz_scores_per_day as (
    select * from {{ ref('int_quiz_scores_per_day') }}
    {{ 'where as_of_date >= ' ~ first_row if is_incremental() }}
),

measures_per_day as (
    select
        user_daily.*,
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

running_totals as (
    select
        measures_per_day.*,
        {%- for measure in measures %}
        cast(sum(measures_per_day.{{ measure }}) over up_to_the_day as bigint)
            as {{ measure }}_total,
        {%- endfor %}
        max(measures_per_day.active_days_since_signup) over up_to_the_day as latest_active_day
    from measures_per_day
    window up_to_the_day as (
        partition by measures_per_day.user_id
        order by measures_per_day.as_of_date
        rows between unbounded preceding and current row
    )
),

rolling_sums as (
    select
        {%- for days in windows %}
        {%- for measure in measures %}
        running_totals.{{ measure }}_total
        - lag(running_totals.{{ measure }}_total, {{ days }}, 0) over user_days
            as {{ measure }}_{{ days }}d,
        {%- endfor %}
        {%- endfor %}
        running_totals.*
    from running_totals
    window user_days as (partition by running_totals.user_id order by running_totals.as_of_date)
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
final as (
    select
        {%- for column in daily_columns() %}
        rolling_sums.{{ column }},
        {%- endfor %}
        {%- for days in windows %}
        {%- set active_and_all = 'rolling_sums.active_and_all_events_' ~ days ~ 'd' %}
        {%- set logins_and_enrolments = 'rolling_sums.logins_and_enrolments_' ~ days ~ 'd' %}
        {%- set payments = 'rolling_sums.payments_succeeded_and_failed_' ~ days ~ 'd' %}
        {%- set attempts_and_scores = 'rolling_sums.quiz_attempts_and_scores_' ~ days ~ 'd' %}
        {{ high_of_pair(active_and_all) }} as active_days_{{ days }}d,
        {{ low_of_pair(active_and_all) }} as events_{{ days }}d,
        {{ high_of_pair(logins_and_enrolments) }} as logins_{{ days }}d,
        {{ low_of_pair(logins_and_enrolments) }} as enroll_{{ days }}d,
        {{ unscaled('rolling_sums.watch_minutes_scaled_' ~ days ~ 'd') }}
            as watch_minutes_{{ days }}d,
        {{ high_of_pair(attempts_and_scores) }} as quiz_attempts_{{ days }}d,
        {{ unscaled_mean(
            'rolling_sums.quiz_scores_scaled_' ~ days ~ 'd', low_of_pair(attempts_and_scores)
        ) }} as quiz_avg_score_{{ days }}d,
        {{ high_of_pair(payments) }} as payment_success_{{ days }}d,
        {{ low_of_pair(payments) }} as payment_failed_{{ days }}d,
        cast(rolling_sums.support_tickets_{{ days }}d as integer) as support_ticket_{{ days }}d,
        {%- endfor %}
        {%- set payments = 'rolling_sums.payments_succeeded_and_failed_30d' %}
        coalesce(
            cast({{ low_of_pair(payments) }} as double)
            / nullif({{ high_of_pair(payments) }} + {{ low_of_pair(payments) }}, 0),
            0
        ) as payment_fail_rate_30d,
        rolling_sums.days_since_signup - coalesce(
            rolling_sums.latest_active_day,
            {{ 'earlier_activity.latest_active_day,' if is_incremental() }}
            0
        ) as days_since_last_activity
    from rolling_sums
    {% if is_incremental() %}
    left join earlier_activity on rolling_sums.user_id = earlier_activity.user_id
    inner join outdated
        on
            rolling_sums.user_id = outdated.user_id
            and rolling_sums.as_of_date >= outdated.first_day
    {% endif %}
)

select * from final
