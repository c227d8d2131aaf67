{#- The columns of user_features_daily in their order, qualified by the relation's name. -#}
{% macro feature_columns(relation) -%}
    {%- set daily_columns = [
        'user_id', 'as_of_date', 'signup_date', 'days_since_signup', 'plan', 'is_paid', 'country',
        'marketing_source', 'is_active_day', 'total_events', 'logins_count', 'enroll_count',
        'watch_minutes_sum', 'quiz_attempts_count', 'quiz_avg_score', 'payment_success_count',
        'payment_failed_count', 'support_ticket_count', 'video_watch_count', 'amount_paid_sum',
    ] -%}
    {%- set rolling_columns = [
        'active_days', 'events', 'logins', 'enroll', 'watch_minutes', 'quiz_attempts',
        'quiz_avg_score', 'payment_success', 'payment_failed', 'support_ticket',
    ] -%}
    {%- for column in daily_columns %}
    {{ relation }}.{{ column }},
    {%- endfor %}
    {%- for days in [7, 14, 30] %}
    {%- for column in rolling_columns %}
    {{ relation }}.{{ column }}_{{ days }}d,
    {%- endfor %}
    {%- endfor %}
    {{ relation }}.payment_fail_rate_30d,
    {{ relation }}.days_since_last_activity
{%- endmacro %}
