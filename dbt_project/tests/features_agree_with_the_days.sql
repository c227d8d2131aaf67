-- The rolling features of two days, the last one and the last labelled one, agree with a sum over
-- the days of their windows, none of them later.
{%- set sums = {
    'active_days': 'is_active_day',
    'events': 'total_events',
    'logins': 'logins_count',
    'enroll': 'enroll_count',
    'quiz_attempts': 'quiz_attempts_count',
    'payment_success': 'payment_success_count',
    'payment_failed': 'payment_failed_count',
    'support_ticket': 'support_ticket_count',
} %}
with features as (
    select features.*
    from {{ ref('user_features_daily') }} as features
    inner join {{ ref('int_observation_window') }} as observation_window
        on
            features.as_of_date = observation_window.last_day
            or features.as_of_date = observation_window.last_labelled_day
),

user_daily as (
    select * from {{ ref('user_daily') }}
),

recomputed as (
    select
        features.user_id,
        features.as_of_date,
        {%- for days in [7, 14, 30] %}
        {%- set in_window = 'user_daily.as_of_date > '
            ~ minus_days('features.as_of_date', days) %}
        {%- for feature, measure in sums.items() %}
        sum(case when {{ in_window }} then user_daily.{{ measure }} else 0 end)
            as {{ feature }}_{{ days }}d,
        {%- endfor %}
        sum(case when {{ in_window }} then {{ scaled('user_daily.watch_minutes_sum') }} else 0 end)
            as watch_minutes_{{ days }}d,
        {%- endfor %}
        max(case when user_daily.is_active_day = 1 then user_daily.as_of_date end)
            as latest_active_day
    from features
    inner join user_daily
        on
            features.user_id = user_daily.user_id
            and features.as_of_date >= user_daily.as_of_date
    group by
        features.user_id,
        features.as_of_date
)

select
    features.user_id,
    features.as_of_date
from features
inner join recomputed
    on
        features.user_id = recomputed.user_id
        and features.as_of_date = recomputed.as_of_date
where
    features.days_since_last_activity
    != coalesce(
        {{ days_between('recomputed.latest_active_day', 'features.as_of_date') }},
        features.days_since_signup
    )
    or abs(
        features.payment_fail_rate_30d
        * (recomputed.payment_success_30d + recomputed.payment_failed_30d)
        - recomputed.payment_failed_30d
    ) > 0.0001
    {%- for days in [7, 14, 30] %}
    or {{ scaled('features.watch_minutes_' ~ days ~ 'd') }} != recomputed.watch_minutes_{{ days }}d
    {%- for feature in sums %}
    or features.{{ feature }}_{{ days }}d != recomputed.{{ feature }}_{{ days }}d
    {%- endfor %}
    {%- endfor %}
