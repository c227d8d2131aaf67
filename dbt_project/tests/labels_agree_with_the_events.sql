-- The labels again, straight from the events: the engagement days between the gap after as_of_date
-- and the end of the label window.
{%- set day_before = plus_days('labels.as_of_date', var('label_gap_days')) %}
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

next_active_days as (
    select
        labels.user_id,
        labels.as_of_date,
        labels.churn_label,
        labels.future_active_days,
        count(active_days.event_date) as active_days_in_label_window
    from labels
    left join active_days
        on
            labels.user_id = active_days.user_id
            and {{ day_before }} < active_days.event_date
            and {{ plus_days(day_before, var('label_window_days')) }} >= active_days.event_date
    group by
        labels.user_id,
        labels.as_of_date,
        labels.churn_label,
        labels.future_active_days
)

select *
from next_active_days
where
    future_active_days != active_days_in_label_window
    or churn_label != case when active_days_in_label_window = 0 then 1 else 0 end
