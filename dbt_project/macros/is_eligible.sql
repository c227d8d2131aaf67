{#-
    A user-day without an active day in the 30 days up to it is left out of the datasets: that
    user has churned already. The var include_inactive_users keeps it.
-#}
{% macro is_eligible(features) -%}
    {{ 'true' if var('include_inactive_users') else features ~ '.active_days_30d > 0' }}
{%- endmacro %}
