-- The labels again, straight from the events: the engagement days between the gap after as_of_date
-- and the end of the label window, counted over days by their distance.
{#- Not by the macros of the models, which are tested here as well. -#}
{%- set gap_days = var('label_gap_days') | int %}
{%- set last_of_window = gap_days + (var('label_window_days') | int) %}
{%- set reach = label_reach_days() %}

with events as (
    select * from {{ ref('stg_events') }}
),

labels as (
    select * from {{ ref('churn_labels') }}
    where
        {{ is_untested('as_of_date', 'main.churn_labels') }}
        or {{ is_untested('as_of_date', 'raw.events', days_after=reach) }}
),

active_days as (
    select
        events.user_id,
        events.event_date
    from events
    where
        events.event_type in ({{ engagement_event_types() }})
        and (
            {{ is_untested('events.event_date', 'main.churn_labels', days_before=reach) }}
            or {{ is_untested(
                'events.event_date', 'raw.events', days_before=reach, days_after=reach
            ) }}
        )
    group by
        events.user_id,
        events.event_date
),

labels_and_active_days as (
    select
        labels.user_id,
        labels.as_of_date,
        labels.churn_label,
        labels.future_active_days,
        cast(null as date) as active_date,
        {{ days_between("date '1970-01-01'", 'labels.as_of_date') }} as day_number
    from labels
    union all
    select
        active_days.user_id,
        cast(null as date) as as_of_date,
        cast(null as integer) as churn_label,
        cast(null as integer) as future_active_days,
        active_days.event_date as active_date,
        {{ days_between("date '1970-01-01'", 'active_days.event_date') }} as day_number
    from active_days
),

counted as (
    select
        labels_and_active_days.*,
        count(labels_and_active_days.active_date) over (
            partition by labels_and_active_days.user_id
            order by labels_and_active_days.day_number
            range between {{ gap_days + 1 }} following and {{ last_of_window }} following
        ) as active_days_in_label_window
    from labels_and_active_days
)

select *
from counted
where
    as_of_date is not null
    and (
        future_active_days != active_days_in_label_window
        or churn_label != case when active_days_in_label_window = 0 then 1 else 0 end
    )
