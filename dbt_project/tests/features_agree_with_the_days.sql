-- Every column over a window again, by a join of each day with the days before it instead of a
-- running sum; on a sample of days, for every user. The measures are summed as decimals, and the
-- last activity is looked for in the whole history.
{%- set sums = {
    'active_days': 'is_active_day',
    'events': 'total_events',
    'logins': 'logins_count',
    'enroll': 'enroll_count',
    'quiz_attempts': 'quiz_attempts_count',
    'payment_success': 'payment_success_count',
    'payment_failed': 'payment_failed_count',
    'support_ticket': 'support_ticket_count',
} -%}
{%- set windows = [7, 14, 30] %}
{%- set tables = ['raw.events', 'main.user_daily', 'main.user_features_daily'] %}

with observation_window as (
    select * from {{ ref('int_observation_window') }}
),

features as (
    select features.*
    from {{ ref('user_features_daily') }} as features
    inner join observation_window
        on {{ is_looked_at('features.as_of_date', 'observation_window.last_day', tables) }}
    where
        {{ is_untested('features.as_of_date', 'main.user_features_daily') }}
        or {{ is_untested('features.as_of_date', 'main.user_daily', days_before=30) }}
        or {{ is_untested('features.as_of_date', 'raw.events', days_before=30) }}
),

days_looked_at as (
    select distinct features.as_of_date
    from features
),

ends_of_windows as (
    select
        {{ minus_days('min(days_looked_at.as_of_date)', 29) }} as first_day,
        max(days_looked_at.as_of_date) as last_day
    from days_looked_at
),

user_days_in_windows as (
    select user_daily.*
    from {{ ref('user_daily') }} as user_daily
    inner join ends_of_windows
        on user_daily.as_of_date between ends_of_windows.first_day and ends_of_windows.last_day
),

scores_per_day as (
    select
        events.user_id,
        events.event_date,
        count(events.quiz_score) as scores_count,
        sum({{ exact('events.quiz_score') }}) as scores_sum
    from {{ ref('stg_events') }} as events
    where
        events.event_type = 'quiz_attempt'
        and events.event_date >= (select ends_of_windows.first_day from ends_of_windows)
    group by
        events.user_id,
        events.event_date
),

recomputed as (
    select
        {%- for days in windows %}
        {%- set in_window = 'user_daily.as_of_date > ' ~ minus_days('features.as_of_date', days) %}
        {%- for feature, column in sums.items() %}
        sum(case when {{ in_window }} then user_daily.{{ column }} end)
            as {{ feature }}_{{ days }}d,
        {%- endfor %}
        cast(
            sum(case when {{ in_window }} then {{ exact('user_daily.watch_minutes_sum') }} end)
            as double
        ) as watch_minutes_{{ days }}d,
        {{ exact_mean(
            'sum(case when ' ~ in_window ~ ' then scores_per_day.scores_sum end)',
            'sum(case when ' ~ in_window ~ ' then scores_per_day.scores_count end)',
        ) }} as quiz_avg_score_{{ days }}d,
        {%- endfor %}
        features.user_id,
        features.as_of_date
    from features
    inner join user_days_in_windows as user_daily
        on
            features.user_id = user_daily.user_id
            and features.as_of_date >= user_daily.as_of_date
            and {{ minus_days('features.as_of_date', 30) }} < user_daily.as_of_date
    left join scores_per_day
        on
            user_daily.user_id = scores_per_day.user_id
            and user_daily.as_of_date = scores_per_day.event_date
    group by
        features.user_id,
        features.as_of_date
),

days as (
    select distinct user_daily.as_of_date
    from {{ ref('user_daily') }} as user_daily
),

next_days_looked_at as (
    select
        days.as_of_date,
        min(days_looked_at.as_of_date) as next_day
    from days
    inner join days_looked_at on days.as_of_date <= days_looked_at.as_of_date
    group by days.as_of_date
),

-- The latest active day up to each day that is looked at, but after the one before it.
latest_active_days as (
    select
        user_daily.user_id,
        next_days_looked_at.next_day as as_of_date,
        max(user_daily.as_of_date) as active_date
    from {{ ref('user_daily') }} as user_daily
    inner join next_days_looked_at on user_daily.as_of_date = next_days_looked_at.as_of_date
    where user_daily.is_active_day = 1
    group by
        user_daily.user_id,
        next_days_looked_at.next_day
),

recency as (
    select
        features.user_id,
        features.as_of_date,
        max(latest_active_days.active_date) over (
            partition by features.user_id
            order by features.as_of_date
            rows between unbounded preceding and current row
        ) as latest_active_date
    from features
    left join latest_active_days
        on
            features.user_id = latest_active_days.user_id
            and features.as_of_date = latest_active_days.as_of_date
)

select
    features.user_id,
    features.as_of_date
from features
inner join recomputed
    on
        features.user_id = recomputed.user_id
        and features.as_of_date = recomputed.as_of_date
inner join recency
    on
        features.user_id = recency.user_id
        and features.as_of_date = recency.as_of_date
where
    features.days_since_last_activity != {{ days_between(
        'coalesce(recency.latest_active_date, features.signup_date)', 'features.as_of_date'
    ) }}
    or features.payment_fail_rate_30d != coalesce(
        cast(recomputed.payment_failed_30d as double)
        / nullif(recomputed.payment_failed_30d + recomputed.payment_success_30d, 0),
        0
    )
    {%- for days in windows %}
    {%- for feature in sums %}
    or features.{{ feature }}_{{ days }}d != recomputed.{{ feature }}_{{ days }}d
    {%- endfor %}
    or features.watch_minutes_{{ days }}d != recomputed.watch_minutes_{{ days }}d
    or coalesce(features.quiz_avg_score_{{ days }}d, -1)
    != coalesce(recomputed.quiz_avg_score_{{ days }}d, -1)
    {%- endfor %}
