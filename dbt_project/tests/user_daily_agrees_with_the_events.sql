-- Every count, sum and mean of user_daily again, straight from the raw events: for every user on
-- a sample of days, and what adds up for all of them.
{%- set counts = {
    'logins_count': 'login',
    'enroll_count': 'course_enroll',
    'video_watch_count': 'video_watch',
    'quiz_attempts_count': 'quiz_attempt',
    'payment_success_count': 'payment_success',
    'payment_failed_count': 'payment_failed',
    'support_ticket_count': 'support_ticket',
} -%}
{%- set sums = {
    'watch_minutes_sum': ('video_watch', 'events.watch_minutes'),
    'amount_paid_sum': ('payment_success', 'events.amount'),
} -%}
{#- Not by the macro of the models, which is tested here as well. -#}
{%- set engagement = var('engagement_event_types') | sort | join("', '") -%}

{%- set recomputed_columns %}
count(*) as total_events,
{% for column, event_type in counts.items() -%}
sum(case when events.event_type = '{{ event_type }}' then 1 else 0 end) as {{ column }},
{% endfor -%}
{% for column, (event_type, measure) in sums.items() -%}
sum(case when events.event_type = '{{ event_type }}' then {{ exact(measure) }} else 0 end)
    as {{ column }},
{% endfor -%}
{% endset %}

{%- set tables = ['raw.events', 'main.user_daily'] %}

with events as (
    select * from {{ source('raw', 'events') }}
    where
        {{ is_untested('event_date', 'raw.events') }}
        or {{ is_untested('event_date', 'main.user_daily') }}
),

user_daily as (
    select * from {{ ref('user_daily') }}
    where
        {{ is_untested('as_of_date', 'raw.events') }}
        or {{ is_untested('as_of_date', 'main.user_daily') }}
),

observation_window as (
    select * from {{ ref('int_observation_window') }}
),

recomputed as (
    select
        {{- recomputed_columns | indent(8) }}
        max(
            case
                when events.event_type in ('{{ engagement }}')
                    then 1
                else 0
            end
        ) as is_active_day,
        sum(
            case when events.event_type = 'quiz_attempt' then {{ exact('events.quiz_score') }} end
        ) as quiz_scores_sum,
        count(case when events.event_type = 'quiz_attempt' then events.quiz_score end)
            as quiz_scores_count,
        events.user_id,
        events.event_date
    from events
    inner join observation_window
        on {{ is_looked_at('events.event_date', 'observation_window.last_day', tables) }}
    group by
        events.user_id,
        events.event_date
),

deviations as (
    select
        user_daily.user_id,
        user_daily.as_of_date
    from user_daily
    inner join observation_window
        on {{ is_looked_at('user_daily.as_of_date', 'observation_window.last_day', tables) }}
    left join recomputed
        on
            user_daily.user_id = recomputed.user_id
            and user_daily.as_of_date = recomputed.event_date
    where
        user_daily.is_active_day != coalesce(recomputed.is_active_day, 0)
        or user_daily.total_events != coalesce(recomputed.total_events, 0)
        {%- for column in counts %}
        or user_daily.{{ column }} != coalesce(recomputed.{{ column }}, 0)
        {%- endfor %}
        {%- for column in sums %}
        or user_daily.{{ column }} != cast(coalesce(recomputed.{{ column }}, 0) as double)
        {%- endfor %}
        or user_daily.quiz_avg_score is distinct from {{
            exact_mean('recomputed.quiz_scores_sum', 'recomputed.quiz_scores_count')
        }}
),

totals_of_the_events as (
    select
        {{- recomputed_columns | indent(8) }}
        min(observation_window.last_day) as last_day
    from events
    inner join observation_window
        on events.event_date between observation_window.first_day and observation_window.last_day
),

totals_of_the_days as (
    select
        {%- for column in sums %}
        sum({{ exact('user_daily.' ~ column) }}) as {{ column }},
        {%- endfor %}
        {%- for column in counts %}
        sum(user_daily.{{ column }}) as {{ column }},
        {%- endfor %}
        sum(user_daily.total_events) as total_events
    from user_daily
)

select * from deviations
union all
select
    cast(null as integer) as user_id,
    totals_of_the_events.last_day as as_of_date
from totals_of_the_events
cross join totals_of_the_days
where
    totals_of_the_events.total_events != totals_of_the_days.total_events
    {%- for column in counts.keys() | list + sums.keys() | list %}
    or totals_of_the_events.{{ column }} != totals_of_the_days.{{ column }}
    {%- endfor %}
