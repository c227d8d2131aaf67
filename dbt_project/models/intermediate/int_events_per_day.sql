{{ config(materialized='ephemeral') }}

{%- set counted_types = {
    'logins_count': 'login',
    'enroll_count': 'course_enroll',
    'video_watch_count': 'video_watch',
    'quiz_attempts_count': 'quiz_attempt',
    'payment_success_count': 'payment_success',
    'payment_failed_count': 'payment_failed',
    'support_ticket_count': 'support_ticket',
} -%}
{%- set summed_measures = {
    'watch_minutes_scaled': ('video_watch', 'events.watch_minutes'),
    'quiz_scores_scaled': ('quiz_attempt', 'events.quiz_score'),
    'amount_paid_scaled': ('payment_success', 'events.amount'),
} -%}

with events as (
    select {{ users_together() }} * from {{ ref('stg_events') }}
),

final as (
    select
        events.user_id,
        events.event_date as as_of_date,
        max(
            case when events.event_type in ({{ engagement_event_types() }}) then 1 else 0 end
        ) as is_active_day,
        cast(count(*) as integer) as total_events,
        {%- for column, event_type in counted_types.items() %}
        cast(
            count(case when events.event_type = '{{ event_type }}' then 1 end) as integer
        ) as {{ column }},
        {%- endfor %}
        {%- for column, (event_type, measure) in summed_measures.items() %}
        cast(
            sum(case when events.event_type = '{{ event_type }}' then {{ scaled(measure) }} end)
            as bigint
        ) as {{ column }},
        {%- endfor %}
        cast(
            count(case when events.event_type = 'quiz_attempt' then events.quiz_score end)
            as integer
        ) as quiz_scores_count
    from events
    group by events.user_id, events.event_date
)

select * from final
