{#-
    A user-day without an active day in the eligible_within_days days up to it is left out of the
    datasets: that user has churned already. The var include_inactive_users keeps it. The days
    since the last activity count from the signup for a user not yet seen active, so they say
    something only from the user's first active day on.
-#}
{% macro is_eligible(features, first_active_day) -%}
    {%- if var('include_inactive_users') -%}
        true
    {%- else -%}
        {{ first_active_day }} <= {{ features }}.as_of_date
        and {{ features }}.days_since_last_activity < {{ var('eligible_within_days') }}
    {%- endif -%}
{%- endmacro %}
