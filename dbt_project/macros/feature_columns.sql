{#- The columns of user_daily, in their order. -#}
{% macro daily_columns() -%}
    {{ return([
        'user_id', 'as_of_date', 'signup_date', 'days_since_signup', 'plan', 'is_paid', 'country',
        'marketing_source', 'is_active_day', 'total_events', 'logins_count', 'enroll_count',
        'watch_minutes_sum', 'quiz_attempts_count', 'quiz_avg_score', 'payment_success_count',
        'payment_failed_count', 'support_ticket_count', 'video_watch_count', 'amount_paid_sum',
    ]) }}
{%- endmacro %}

{#- The columns that user_features_daily adds, in their order. -#}
{% macro window_columns() -%}
    {%- set columns = [] -%}
    {%- for days in [7, 14, 30] -%}
        {%- for measure in [
            'active_days', 'events', 'logins', 'enroll', 'watch_minutes', 'quiz_attempts',
            'quiz_avg_score', 'payment_success', 'payment_failed', 'support_ticket',
        ] -%}
            {%- do columns.append(measure ~ '_' ~ days ~ 'd') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns + ['payment_fail_rate_30d', 'days_since_last_activity']) }}
{%- endmacro %}

{#- The columns of user_features_daily in their order, qualified by the relation's name. -#}
{% macro feature_columns(relation) -%}
    {%- for column in daily_columns() + window_columns() %}
    {{ relation }}.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
