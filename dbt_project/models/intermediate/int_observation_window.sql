{{ config(materialized='ephemeral') }}

{%- set first_day, last_day = var('first_day'), var('last_day') -%}

with events as (
    select * from {{ ref('stg_events') }}
),

ends as (
    select
        {% if first_day is none %}min(events.event_date)
        {% else %}cast('{{ first_day }}' as date)
        {% endif %}as first_day,
        {% if last_day is none %}max(events.event_date)
        {% else %}cast('{{ last_day }}' as date)
        {% endif %}as last_day
    from events
    having count(*) > 0
),

final as (
    select
        ends.first_day,
        ends.last_day,
        {{ day_labelled_by('ends.last_day') }} as last_labelled_day
    from ends
)

select * from final
